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
    """A closed environment keeps its history; its workload, records and certificate are gone or going."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`label` is the first label of the host: the app's name, or `<branch-slug>--<app>`."""

    app: str
    name: str
    branch: str
    label: str
    state: EnvironmentState = EnvironmentState.OPEN

    @property
    def is_production(self) -> bool:
        """Whether this is the environment that the app's configured branch feeds."""
        return self.name == PRODUCTION


def branch_slug(branch: str) -> str:
    """Return the branch as part of a DNS label; different branches may give the same slug."""
    return re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-") or "branch"


def preview_name(app: str, branch: str, *, digest_length: int = _DIGEST_LENGTH) -> str:
    """Return a preview's name: its branch as a slug, unique for (app, branch) and stable.

    A slug that changed the branch's text, or that is too long for `<slug>--<app>` in 63 characters,
    ends in a short digest of the branch, so that `feat/x` and `feat-x` never share a host. So does one
    of two letters: `--` as a label's third and fourth characters is reserved (as in `xn--`), and public
    certificate authorities refuse such names. Should another branch have the name already (one that is
    called like a slug with its digest), a longer digest makes a name of its own.
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
