"""The audit log in the table audit_log."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres

_RECORD = "insert into audit_log (actor, action, target, detail) values (:actor, :action, :target, :detail)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditLog:
    """AuditLog over the table audit_log."""

    database: Postgres

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; see AuditLog."""
        self.database.run(_RECORD, actor=actor, action=action, target=target, detail=detail)
