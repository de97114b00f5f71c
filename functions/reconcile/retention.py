"""Deletes records that are older than the settings keep them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.common.ports.retention import RecordKind, Retention
from functions.reconcile.handler import for_each

BATCH = 1000  # rows of a statement
BATCHES = 10  # of each kind in a tick


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRecords:
    """Step: records beyond their age; a kind whose age is zero is kept for ever."""

    retention: Retention
    ages: Mapping[RecordKind, timedelta]

    def __call__(self) -> None:
        """Delete a few batches of each kind."""
        for_each([kind for kind, age in self.ages.items() if age], self._delete, what="retention")

    def _delete(self, kind: RecordKind) -> None:
        for _ in range(BATCHES):
            if self.retention.delete(kind, older_than=self.ages[kind], limit=BATCH) < BATCH:
                return
