"""The time, and the lock of a periodic run."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Returns the time; tests pass one that they can set."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...


class TickLock(Protocol):
    """Keeps two periodic runs from working at the same time."""

    def try_acquire(self) -> AbstractContextManager[bool]:
        """Try to hold the lock during the block, without waiting; False when another process holds it."""
        ...
