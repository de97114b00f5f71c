"""A build: turning a commit into an image digest."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

_NAME_LIMIT = 63


class BuildState(StrEnum):
    """`RUNNING` is the only state that may change."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """What a builder needs; `name` is unique per (app, environment, sha), so ordering twice builds once."""

    name: str
    app: str
    environment: str
    push: str
    clone_url: str
    ref: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image: its content digest (`sha256:...`), and its Procfile as process type -> command."""

    digest: str
    reference: str
    processes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build as recorded: for which push (the newest that wants it), and how it ended.

    `repository` is the forge's full name; `superseded_by` what it is being cancelled for: a push's id,
    or one of CLOSINGS.
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


PREVIEW_CLOSED = "preview-closed"
APP_DELETED = "app-deleted"
CLOSINGS = {PREVIEW_CLOSED: "its preview was closed", APP_DELETED: "its app was deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What was observed of a build; `step`, `reason` and `log_tail` say why one failed."""

    name: str
    state: BuildState
    image: Image | None = None
    step: str = ""
    reason: str = ""
    log_tail: str = ""


def build_name(app: str, environment: str, sha: str) -> str:
    """Return the build's name, a DNS label of at most 63 characters, the same for the same three."""
    digest = hashlib.sha256(f"{app}\n{environment}\n{sha}".encode()).hexdigest()[:8]
    return f"{app}-{sha[:12]}-{digest}"


def attempt_name(name: str, attempt: int) -> str:
    """Return the name of a build's nth attempt, `<name>-r<n>` from the second on; still a DNS label."""
    if attempt <= 1:
        return name
    suffix = f"-r{attempt}"
    start, _, digest = name.rpartition("-")  # the digest keeps it unique where the start must be cut
    return f"{start[: _NAME_LIMIT - len(digest) - 1 - len(suffix)]}-{digest}{suffix}"
