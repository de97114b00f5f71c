"""Events that are committed with the change they tell of, but not known to be published."""

from datetime import timedelta
from typing import Protocol

from functions.common.events.envelope import Envelope


class EventOutbox(Protocol):
    """What the API left to be sent; the same two methods as DeliveryOutbox, so that one loop serves both."""

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Return unpublished events, oldest first, leasing them for `older_than` to this caller."""
        ...

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event."""
        ...
