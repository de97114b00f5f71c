"""What has not moved for a while."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from functions.common.domain.push import Push
from functions.common.domain.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckPush:
    """A push that has not ended; `build` is the name of its newest build, empty before the first."""

    push: Push
    build: str
    idle: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRelease:
    """An unfinished release that no unfinished push stands for; `cause` is the id of the event that asked for it."""

    release: Release
    cause: str
    idle: timedelta


class StuckPushes(Protocol):
    """Finds pushes that may hang."""

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckPush, ...]:
        """Return pushes that have not ended and did not move for so long, the longest first."""
        ...


class StuckReleases(Protocol):
    """Finds releases that may hang and that no unfinished push stands for."""

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckRelease, ...]:
        """Return unfinished releases that did not move for so long, the longest first."""
        ...
