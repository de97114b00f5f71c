"""The audit log: who did what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class AuditLog(Protocol):
    """Records who did what, refused requests included."""

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one action; never pass a secret."""
        ...

    def refuse(self, *, actor: str, action: str, target: str = "", detail: str = "", latest: str = "") -> None:
        """Record a refusal: those of one hour that differ in nothing but `latest` are one entry with their count.

        Anybody may cause refusals: what the caller can choose freely, such as an id, belongs into `latest`.
        """
        ...

    def limit(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record once an hour that something is over its limit; a repeat costs a look at the index."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One act in the audit log, or several refusals: `count` of them, from `at` to `last_at`; see AuditLog.refuse."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: str
    count: int = 1
    last_at: datetime
    latest: str = ""


class AuditTrail(Protocol):
    """Shows the audit log."""

    def page(
        self, *, app: str, actor: str, action: str, target: str, since: datetime | None, before: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """Return the newest entries before an id, 0 for the newest of all; empty filters let all through.

        With `app` only what was done to this app since it was created. `action` is one, or the part before its dot.
        With `since` only what happened then or later, the last of several refusals among them.
        """
        ...
