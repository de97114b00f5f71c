"""Events: sent, recorded, replayed and parked."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions.common.events.base import Event
from functions.common.events.envelope import Envelope

# Where a function sends events other than its one reply.


class EventSink(Protocol):
    """Sends events to the broker; what returned was taken over by it."""

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Record and send a new event that follows from events.base.CURRENT_CAUSE.

        The discriminator tells apart events of one type and subject with the same cause.
        Raises Unavailable when the broker does not take it; it is then safe to call again.
        """
        ...

    def resend(self, envelope: Envelope) -> None:
        """Send an event again as it is, with its own id. Raises Unavailable."""
        ...


# The append-only record of events, for explaining and replaying.


class EventLog(Protocol):
    """Keeps every event that Slipway sent."""

    def append(self, envelope: Envelope, *, cause: str = "") -> None:
        """Record an event that follows from the event with the id `cause`; a repeat changes nothing."""
        ...

    def find(self, event_id: str) -> Envelope | None:
        """Return the event with this id."""
        ...

    def of_push(self, push: str) -> tuple[Envelope, ...]:
        """Return a push's events in the order of their recording."""
        ...


# Events that are committed with the change they tell of, but not known to be published.


class EventOutbox(Protocol):
    """What the API left to be sent; the same two methods as DeliveryOutbox, so that one loop serves both."""

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Return unpublished events, oldest first, leasing them for `older_than` to this caller."""
        ...

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event."""
        ...


# Recorded events, for looking through.


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One recorded event without its data; `sequence` orders them, `cause` is the id of what it follows from."""

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

    def page(self, *, push: str, app: str, after: int, limit: int) -> tuple[EventRecord, ...]:
        """Return the events of a push or an app (empty: any) with a sequence above `after`, oldest first."""
        ...

    def page_back(self, *, push: str, app: str, before: int, limit: int) -> tuple[EventRecord, ...]:
        """Return those with a sequence below `before`, or the last when it is 0, newest first."""
        ...


# Events that are stored and only have to be sent: their callers need not wait for it.


class Publisher(Protocol):
    """Sends stored events a moment later."""

    def publish_soon(self, envelope: Envelope) -> None:
        """Take over an event that is stored; never raises. What cannot be sent now, reconcile sends later."""
        ...


# A change of the state together with the events that tell of it: both, or neither.


class Change(Protocol):
    """One transaction; what other adapters of the same database write inside it belongs to it."""

    def announce(self, event: Event, *, discriminator: str = "") -> str:
        """Record an event that follows from events.base.CURRENT_CAUSE and return its id; sent after the commit."""
        ...

    @property
    def queued(self) -> bool:
        """Whether, after the commit, the broker did not take every event: reconcile sends the others."""
        ...


class Changes(Protocol):
    """Begins changes."""

    def begin(self) -> AbstractContextManager[Change]:
        """Commit at the end of the block, then send the events; an error in the block leaves nothing.

        An event that the broker does not take now is kept (EventOutbox), so sending raises nothing.
        """
        ...


# What the broker could not deliver.


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event as it was sent, and the last answer of the subscriber: its HTTP status (0: none) and text."""

    event: Envelope
    subscriber: str
    code: int
    error: str


class DeadLetters(Protocol):
    """Keeps dead letters."""

    def park(self, letter: DeadLetter) -> bool:
        """Store the letter; False when it is parked already."""
        ...


# Dead letters as users see and close them; park-event writes them.


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedEvent:
    """An event that `subscriber` could not handle: `code` is its last answer, `error` what it said."""

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
    """Dead letters; they start as `parked` and end as `redriven` or `discarded`."""

    def page(self, *, state: str, before: int, limit: int) -> tuple[ParkedEvent, ...]:
        """Return those in a state (empty: any) with an id below `before` (0: all), newest first."""
        ...

    def find(self, number: int) -> ParkedEvent | None:
        """Return one."""
        ...

    def close(self, number: int, state: str) -> bool:
        """End a parked one in this state; False when it is not parked any more."""
        ...


# Which functions would get an event.


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A Trigger and the function behind it."""

    trigger: str
    function: str


class Subscriptions(Protocol):
    """Reads the Triggers."""

    def of(self, envelope: Envelope) -> tuple[Subscription, ...]:
        """Return who would get the event by its type and extensions, ordered by function."""
        ...
