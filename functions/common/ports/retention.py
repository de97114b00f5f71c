"""Records that grow with use, and end by age."""

from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class RecordKind(StrEnum):
    """What is deleted when it is old. A record that something still needs stays, however old it is.

    - an event or a delivery, while its push has not ended, while a release of its push is live or under way, while the
      broker is not known to have it, and while a dead letter of it is parked
    - a dead letter that is parked: nobody has decided about it
    - a run that has not ended, and a token that is in force
    """

    AUDIT = "audit"
    EVENTS = "events"
    REJECTIONS = "rejections"
    DELIVERIES = "deliveries"
    BODIES = "bodies"
    DEAD_LETTERS = "dead letters"
    RUNS = "runs"
    TOKENS = "tokens"
    RATES = "rates"


class Retention(Protocol):
    """Deletes old records."""

    def delete(self, kind: RecordKind, *, older_than: timedelta, limit: int) -> int:
        """Delete at most `limit` records, the oldest first, and return how many; one that is in use is passed over."""
        ...
