"""Pushes: their state machine, their history, and the records that explain them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from functions.common.domain.push import Push, PushState


class PushLedger(Protocol):
    """The state machine of pushes, one entry for each push and app; final states do not change."""

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest and return it with its sequence.

        In one transaction: a push that is recorded already is returned unchanged (a redelivery). A push with the sha
        of the environment's newest one since it was opened, failed and superseded ones aside, is recorded as ignored
        (`duplicate`). Raises Unavailable when the environment is gone.
        """
        ...

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a push that ends here (ignored or superseded), or return the one already recorded."""
        ...

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; False, without a change, when it is in this state or beyond it already."""
        ...


class BaseState(StrEnum):
    """What is recorded of a push's base, the commit that its branch had before.

    `FIRST`: nothing is recorded of the branch for this app. `UNKNOWN`: other pushes of the branch are, the base is
    not. `DROPPED`: the base was superseded before it was admitted. `HANDLED`: the base was admitted or filtered.
    """

    FIRST = "first"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The position of a push among the recorded ones of its branch and app.

    `head_ignored`: the branch's head is recorded and will not be built. `overtaken`: a recorded push has this one
    as its base, or this one created a branch that has recorded pushes and was not deleted since.
    """

    base: BaseState
    head_ignored: bool
    overtaken: bool


class PushHistory(Protocol):
    """Reads recorded pushes."""

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return the records of a push, one for each app."""
        ...

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return the push's position; `head` is the sha that its branch has now, empty when not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckPush:
    """A push that has not ended; `build` is the name of its newest build, empty without one."""

    push: Push
    build: str
    idle: timedelta


class StuckPushes(Protocol):
    """Finds pushes that may be stuck."""

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckPush, ...]:
        """Return unfinished pushes that have not moved for this long, the longest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A received webhook; `published` is whether the broker is known to have its event, of the type `type`."""

    provider: str
    delivery: str
    kind: str
    outcome: str
    reason: str
    sha: str
    event: str
    type: str
    received_at: datetime
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecord:
    """The state of a push for one app; `app` is empty when no app matches."""

    id: str
    app: str
    environment: str
    repository: str
    ref: str
    sha: str
    message: str
    author: str
    state: str
    code: str
    step: str
    reason: str
    received_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """A recorded event of a push, or a dead letter: then `error` is the subscriber's last answer."""

    id: str
    type: str
    app: str
    environment: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    error: str = ""
    subscriber: str = ""


class PushRecords(Protocol):
    """Finds pushes by a sha, by its first seven or more characters, or by the push's id."""

    def deliveries(self, reference: str) -> tuple[DeliveryRecord, ...]:
        """Return the deliveries, oldest first."""
        ...

    def pushes(self, reference: str) -> tuple[PushRecord, ...]:
        """Return the pushes, oldest first, each app by name."""
        ...

    def newest(self, app: str, *, branch: str, before: str, limit: int) -> tuple[PushRecord, ...]:
        """Return an app's pushes that came before the one with the id `before` (empty: all), newest first.

        An empty branch stands for all.
        """
        ...

    def events(self, push: str) -> tuple[RecordedEvent, ...]:
        """Return the events of the push with this id in time order, dead letters included."""
        ...
