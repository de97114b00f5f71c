"""The audit log: who did what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class AuditLog(Protocol):
    """Records who did what, refused requests included."""

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one action; never pass a secret."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One act in the audit log."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: str


class AuditTrail(Protocol):
    """Shows the audit log."""

    def page(
        self, *, app: str, actor: str, action: str, target: str, before: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """Return the newest entries before an id, 0 for the newest of all; empty filters let all through.

        With `app` only what was done to this app since it was created. `action` is one, or the part before its dot.
        """
        ...
