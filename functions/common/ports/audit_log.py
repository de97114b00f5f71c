"""Who did what; refused requests too."""

from typing import Protocol


class AuditLog(Protocol):
    """Keeps who did what to which thing."""

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; never pass a secret."""
        ...
