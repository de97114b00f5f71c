"""An environment of an app: production, or a preview of another branch."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

PRODUCTION = "production"
_LABEL_LIMIT = 63
_DIGEST_LENGTH = 6
_RESERVED_LENGTH = 2


class EnvironmentState(StrEnum):
    """A closed environment keeps its history; its workload, DNS record and certificate are removed."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`label` is the first label of the host: the app's name, or `<preview name>--<app>`."""

    app: str
    name: str
    branch: str
    label: str
    state: EnvironmentState = EnvironmentState.OPEN

    @property
    def is_production(self) -> bool:
        """Whether this is the environment of the app's configured branch."""
        return self.name == PRODUCTION


def branch_slug(branch: str) -> str:
    """Return the branch as part of a DNS label; different branches may have the same slug."""
    return re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-") or "branch"


def preview_name(app: str, branch: str, *, digest_length: int = _DIGEST_LENGTH) -> str:
    """Return a preview's name: the slug of its branch, stable for an app and a branch.

    A digest of the branch is appended when the slug differs from the branch, so that `feat/x` and `feat-x` never
    share a host; when `<slug>--<app>` is longer than 63 characters; and when the slug has two letters, because
    `--` as the third and fourth characters of a label is reserved (as in `xn--`) and public certificate
    authorities refuse such names. A longer digest resolves a conflict with a branch that is named like a slug with
    its digest.
    """
    slug = branch_slug(branch)
    room = _LABEL_LIMIT - len(app) - len("--")
    plain = slug == branch and len(slug) <= room and len(slug) != _RESERVED_LENGTH and slug != PRODUCTION
    if plain and digest_length == _DIGEST_LENGTH:
        return slug
    digest = hashlib.sha256(branch.encode()).hexdigest()[:digest_length]
    return f"{slug[: room - digest_length - 1].rstrip('-')}-{digest}"


def production(app: str, branch: str) -> Environment:
    """Return the app's production environment."""
    return Environment(app=app, name=PRODUCTION, branch=branch, label=app)


def preview(app: str, branch: str, *, digest_length: int = _DIGEST_LENGTH) -> Environment:
    """Return the preview environment of a branch; see preview_name."""
    name = preview_name(app, branch, digest_length=digest_length)
    return Environment(app=app, name=name, branch=branch, label=f"{name}--{app}")
