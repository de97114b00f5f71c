"""The system clock."""

from datetime import UTC, datetime


class SystemClock:
    """Clock of the operating system."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)
