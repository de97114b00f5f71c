"""Dead letters as people look at and settle them; park-event writes them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.common.events.envelope import Envelope


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

    def settle(self, number: int, state: str) -> bool:
        """End a parked one in this state; False when it is not parked any more."""
        ...
