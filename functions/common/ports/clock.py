"""Time, and the lock of a tick."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

# Time, given from outside so that tests can turn it.


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...


# One at a time.


class TickLock(Protocol):
    """Keeps two ticks of the clock from working side by side."""

    def held(self) -> AbstractContextManager[bool]:
        """Try to hold the lock for the block, without waiting; False when somebody else holds it."""
        ...
