"""Events: sending, the outbox, the log, dead letters and subscriptions."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions.common.domain.app import EVERYTHING, Visibility
from functions.common.events.base import Event
from functions.common.events.envelope import Envelope


class EventSink(Protocol):
    """Sends events to the broker; after a call returns, the broker has the event."""

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Record and send a new event that follows from events.base.CURRENT_CAUSE.

        The discriminator distinguishes events of one type and subject with the same cause.
        Raises Unavailable when the broker does not accept it; the call is safe to repeat.
        """
        ...

    def resend(self, envelope: Envelope) -> None:
        """Send a recorded event again, with its own id. Raises Unavailable."""
        ...


class Publisher(Protocol):
    """Sends stored events in the background; callers do not wait."""

    def publish_soon(self, envelope: Envelope) -> None:
        """Queue a stored event; never raises. Reconcile sends what cannot be sent now."""
        ...


class Change(Protocol):
    """One transaction on the state and its events; adapters of the same database join it inside the block."""

    def announce(self, event: Event, *, discriminator: str = "") -> str:
        """Record an event whose cause is events.base.CURRENT_CAUSE and return its id; it is sent after the commit."""
        ...

    @property
    def queued(self) -> bool:
        """Whether, after the commit, the broker did not accept every event; reconcile sends the others."""
        ...


class Changes(Protocol):
    """Starts changes."""

    def begin(self) -> AbstractContextManager[Change]:
        """Commit at the end of the block, then send the events; an error in the block rolls everything back.

        An event that the broker does not accept now stays in the EventOutbox, so sending raises nothing.
        """
        ...


class EventOutbox(Protocol):
    """Events that were committed and are not known to be published."""

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Return unpublished events, oldest first, and lease them to this caller for `older_than`."""
        ...

    def mark_published(self, event_id: str) -> None:
        """Record that the broker has the event."""
        ...


class EventLog(Protocol):
    """The append-only record of every event that Slipway sent."""

    def append(self, envelope: Envelope, *, cause: str = "") -> None:
        """Record an event that follows from the event with the id `cause`; a repeat changes nothing."""
        ...

    def find(self, event_id: str, *, source: str = "") -> Envelope | None:
        """Return the event with this id and source (empty: any)."""
        ...

    def reject(self, envelope: Envelope, *, function: str, reason: str) -> None:
        """Record that a function can never handle a recorded event; its newest reason counts."""
        ...

    def rejections(self, envelope: Envelope) -> Mapping[str, str]:
        """Return the functions that rejected a recorded event, and why."""
        ...

    def of_push(self, push: str) -> tuple[Envelope, ...]:
        """Return a push's events in the order of their recording."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """A recorded event without its data; `sequence` orders them, `cause` is the id of the event it follows from."""

    sequence: int
    id: str
    source: str
    type: str
    subject: str
    push: str
    cause: str
    recorded_at: datetime


class EventArchive(Protocol):
    """Reads the event log page by page."""

    def page(
        self, *, push: str, app: str, after: int, limit: int, visible: Visibility = EVERYTHING
    ) -> tuple[EventRecord, ...]:
        """Return the visible events of a push or an app (empty: any) with a sequence above `after`, oldest first."""
        ...

    def page_back(
        self, *, push: str, app: str, before: int, limit: int, visible: Visibility = EVERYTHING
    ) -> tuple[EventRecord, ...]:
        """Return those with a sequence below `before` (0: the last ones), newest first."""
        ...

    def recorded_at(self, event_id: str) -> datetime | None:
        """Return when the event with this id was recorded first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that could not be delivered, with the subscriber's last answer: HTTP status (0: none) and text."""

    event: Envelope
    subscriber: str
    code: int
    error: str


class DeadLetters(Protocol):
    """Stores dead letters."""

    def park(self, letter: DeadLetter) -> bool:
        """Store the letter; False when it is stored already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedEvent:
    """A stored dead letter; `state` is parked, redriven or discarded."""

    id: int
    event: Envelope
    app: str
    push: str
    subscriber: str
    code: int
    error: str
    state: str
    parked_at: datetime
    ended_at: datetime | None


class ParkedEvents(Protocol):
    """Reads and closes stored dead letters."""

    def page(self, *, state: str, before: int, limit: int, visible: Visibility = EVERYTHING) -> tuple[ParkedEvent, ...]:
        """Return the visible ones in a state (empty: any) with an id below `before` (0: all), newest first."""
        ...

    def find(self, number: int) -> ParkedEvent | None:
        """Return one."""
        ...

    def close(self, number: int, state: str) -> bool:
        """Set the final state of a parked event; False when it is no longer parked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A Trigger and the function it delivers to."""

    trigger: str
    function: str


class Subscriptions(Protocol):
    """Reads the Triggers."""

    def of(self, envelope: Envelope) -> tuple[Subscription, ...]:
        """Return the subscriptions that match the event's type and extensions, ordered by function."""
        ...
