"""Which hosts are wanted now."""

from typing import Protocol


class HostDirectory(Protocol):
    """Tells what should be, whatever order events come in."""

    def owner(self, host: str) -> str:
        """Return the app that answers at the host, or nothing when no open environment or domain wants it."""
        ...
