"""One at a time."""

from contextlib import AbstractContextManager
from typing import Protocol


class TickLock(Protocol):
    """Keeps two ticks of the clock from working side by side."""

    def held(self) -> AbstractContextManager[bool]:
        """Try to hold the lock for the block, without waiting; False when somebody else holds it."""
        ...
