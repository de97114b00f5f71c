"""Recorded events, for looking through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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
