"""A clock that tests turn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True, kw_only=True)
class FakeClock:
    """Clock that stands still until it is turned."""

    time: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def turn(self, by: timedelta) -> None:
        """Let time pass."""
        self.time += by
