"""API tokens and the audit log."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.apps import ApiToken, Role

_FIND = "select name, role, created_at from api_tokens where digest = :digest and revoked_at is null"
_ADD = """
insert into api_tokens (digest, name, role) values (:digest, :name, :role) on conflict do nothing returning name
"""
_REVOKE = "update api_tokens set revoked_at = now() where name = :name and revoked_at is null returning name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresApiTokens:
    """ApiTokens over the table api_tokens."""

    database: Postgres

    def find(self, digest: str) -> ApiToken | None:
        """Return the active token with this digest; see ApiTokens."""
        rows = self.database.run(_FIND, digest=digest)
        return ApiToken(name=rows[0][0], role=Role(rows[0][1]), created_at=rows[0][2]) if rows else None

    def add(self, name: str, role: Role, *, digest: str) -> bool:
        """Add a token; see ApiTokens."""
        return bool(self.database.run(_ADD, digest=digest, name=name, role=role.value))

    def revoke(self, name: str) -> bool:
        """Revoke a token; see ApiTokens."""
        return bool(self.database.run(_REVOKE, name=name))


_RECORD = "insert into audit_log (actor, action, target, detail) values (:actor, :action, :target, :detail)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditLog:
    """AuditLog over the table audit_log."""

    database: Postgres

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one action; see AuditLog."""
        self.database.run(_RECORD, actor=actor, action=action, target=target, detail=detail)
