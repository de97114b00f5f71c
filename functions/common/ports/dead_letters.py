"""What the broker could not deliver."""

from dataclasses import dataclass
from typing import Protocol

from functions.common.events.envelope import Envelope


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
