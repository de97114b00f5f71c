"""Where a function sends events other than its one reply."""

from typing import Protocol

from functions.common.events.base import Event
from functions.common.events.envelope import Envelope


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
