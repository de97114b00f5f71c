"""The feed: recorded events as they are recorded, for those who watch."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event or a dead letter was recorded; `number` is its place in its table."""

    table: str
    number: int
    app: str
    push: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanged:
    """What this user may see has changed; an empty user is everyone with a token of the platform."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FedEvent:
    """A recorded event; for a dead letter `error` is the subscriber's last answer, and `sequence` is 0."""

    sequence: int
    id: str
    type: str
    app: str
    push: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    error: str = ""
    subscriber: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBuild:
    """A build that runs, and the push that it is for."""

    name: str
    app: str
    push: str


Notices = Sequence[Notice | AccessChanged]


class EventFeed(Protocol):
    """Notices from one connection, and the events that they are about."""

    def watch(self) -> Generator[Notices, None, None]:
        """Yield notices as transactions commit, and none after a quiet while.

        The first value is empty: from then on no notice is missed. Raises Unavailable when that is over.
        """
        ...

    def load(self, notices: Sequence[Notice]) -> tuple[FedEvent, ...]:
        """Return the events of notices, in order."""
        ...

    def recent(self, *, seconds: float) -> tuple[FedEvent, ...]:
        """Return the events of the last seconds, in order."""
        ...

    def of_push(self, push: str, *, after: int) -> tuple[FedEvent, ...]:
        """Return the events of a push after this sequence, and those of the last minute, in order.

        A transaction may commit after one with a higher sequence: a reader may have missed its event.
        """
        ...

    def running_builds(self, push: str) -> tuple[RunningBuild, ...]:
        """Return the builds of a push that run now."""
        ...

    def apps_of(self, push: str) -> tuple[str, ...]:
        """Return the apps that the push is recorded for."""
        ...
