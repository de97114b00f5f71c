"""What was built and released, for people; never config values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """One release; `seconds` from its start to its end (or now), `reason` why it failed or was superseded."""

    app: str
    environment: str
    number: int
    kind: str
    state: str
    sha: str
    push: str
    digest: str
    image: str
    processes: tuple[str, ...]
    step: str
    reason: str
    note: str
    created_at: datetime
    ended_at: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """One build; `seconds` as for releases."""

    name: str
    app: str
    environment: str
    push: str
    sha: str
    ref: str
    state: str
    digest: str
    step: str
    reason: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """One environment; `release` is its live release's number, 0 when it has none."""

    app: str
    name: str
    branch: str
    label: str
    state: str
    release: int
    opened_at: datetime
    pushed_at: datetime | None
    closed_at: datetime | None


class ReleaseHistory(Protocol):
    """Releases and environments of one app."""

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the releases numbered below `before` (0: all), newest first."""
        ...

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return that release, or for 0 the last one that was live before the one that is."""
        ...

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments, production first, closed ones last."""
        ...


class BuildHistory(Protocol):
    """Builds."""

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return the builds that started before that of the name `before` (empty: all), newest first.

        An empty environment means every one.
        """
        ...

    def build(self, name: str) -> BuildRecord | None:
        """Return the build with this name."""
        ...
