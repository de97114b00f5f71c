"""Builds turn a commit into an image."""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum

from functions.common.domain.app import checked_root
from functions.common.domain.git_url import checked_git_url, is_ref
from functions.common.domain.push import is_sha
from functions.common.errors import Rejected

_NAME_LIMIT = 63
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")


class BuildState(StrEnum):
    """`RUNNING` is the only state that can change."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """A request to a builder; `name` is derived from app, environment, sha and root, so a repeated order builds once.

    `root` is the app's folder in the repository, empty for the top.
    """

    name: str
    app: str
    environment: str
    push: str
    clone_url: str
    ref: str
    sha: str
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image: its content digest (`sha256:...`), and its Procfile as process type -> command."""

    digest: str
    reference: str
    processes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A recorded build; `push` is the newest push that needs it.

    `repository` is the forge's full name. `superseded_by` is the reason of its cancellation: a push's id, one of
    CLOSINGS, or CANCELLED_BY with the name of a person.
    """

    name: str
    app: str
    environment: str
    push: str
    repository: str
    sha: str
    ref: str
    sequence: int
    state: BuildState
    superseded_by: str = ""
    image: Image | None = None
    step: str = ""
    reason: str = ""
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedBuild:
    """A build that its builder has not ended; `reason` says why one waits, if the builder says."""

    name: str
    app: str
    is_running: bool
    reason: str = ""


PREVIEW_CLOSED = "preview-closed"
APP_DELETED = "app-deleted"
CANCELLED_BY = "cancelled-by:"
CLOSINGS = {PREVIEW_CLOSED: "its preview was closed", APP_DELETED: "its app was deleted"}


def canceller(superseded_by: str) -> str:
    """Return the person who cancelled a build, empty when none did."""
    return superseded_by.removeprefix(CANCELLED_BY) if superseded_by.startswith(CANCELLED_BY) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """The state of a build at its builder; `step`, `reason` and `log_tail` explain a failure."""

    name: str
    state: BuildState
    image: Image | None = None
    step: str = ""
    reason: str = ""
    log_tail: str = ""


def check_order(order: BuildOrder) -> None:
    """Raise Rejected when the order can never be built."""
    if not _NAME.match(order.name):
        msg = f"build name {order.name!r} is not usable: it must be a DNS label"
        raise Rejected(msg)
    if not is_sha(order.sha):
        msg = f"commit {order.sha!r} cannot be built: give the full sha, 40 or 64 hexadecimal digits"
        raise Rejected(msg)
    if not order.clone_url:
        msg = f"build {order.name} has no clone URL: set the app's git URL"
        raise Rejected(msg)
    checked_git_url(order.clone_url, field=f"build {order.name}: the app's git URL")
    if not is_ref(order.ref):
        msg = f"build {order.name} has the ref {order.ref!r}: it must start with refs/, and be one that git accepts"
        raise Rejected(msg)
    if order.root:
        checked_root(order.root, field=f"build {order.name}: the app's root")


def is_digest(text: str) -> bool:
    """Return whether a text is the digest of an image."""
    return bool(_DIGEST.match(text))


def build_name(app: str, environment: str, sha: str, root: str = "") -> str:
    """Return the build's name: a DNS label of at most 63 characters, the same for the same arguments."""
    where = f"\n{root}" if root else ""
    digest = hashlib.sha256(f"{app}\n{environment}\n{sha}{where}".encode()).hexdigest()[:8]
    return f"{app}-{sha[:12]}-{digest}"


def attempt_name(name: str, attempt: int) -> str:
    """Return the name of a build's nth attempt, `<name>-r<n>` from the second on; still a DNS label."""
    if attempt <= 1:
        return name
    suffix = f"-r{attempt}"
    start, _, digest = name.rpartition("-")  # the digest keeps a shortened name unique
    return f"{start[: _NAME_LIMIT - len(digest) - 1 - len(suffix)]}-{digest}{suffix}"
