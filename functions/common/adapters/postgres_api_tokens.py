"""Tokens in the table api_tokens; only their SHA-256 is kept."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.api_tokens import ApiToken, Role

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
        """Return the token in force with this digest; see ApiTokens."""
        rows = self.database.run(_FIND, digest=digest)
        return ApiToken(name=rows[0][0], role=Role(rows[0][1]), created_at=rows[0][2]) if rows else None

    def add(self, name: str, role: Role, *, digest: str) -> bool:
        """Add a token; see ApiTokens."""
        return bool(self.database.run(_ADD, digest=digest, name=name, role=role.value))

    def revoke(self, name: str) -> bool:
        """End a token; see ApiTokens."""
        return bool(self.database.run(_REVOKE, name=name))
