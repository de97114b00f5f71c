"""The append-only record of events, for explaining and replaying."""

from typing import Protocol

from functions.common.events.envelope import Envelope


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
