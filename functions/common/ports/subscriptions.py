"""Which functions would get an event."""

from dataclasses import dataclass
from typing import Protocol

from functions.common.events.envelope import Envelope


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
