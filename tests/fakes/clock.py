"""A clock that tests set."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(slots=True, kw_only=True)
class FakeClock:
    """Clock that stands still until a test moves it."""

    time: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def turn(self, by: timedelta) -> None:
        """Move the time forward."""
        self.time += by
