"""API tokens, of which only the SHA-256 is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.accounts import Caller, Scope, TokenRecord

_FIND = """
select t.id::text as token, t.name, t.scope, coalesce(t.app, '') as app, coalesce(u.id::text, '') as "user",
    coalesce(u.email, '') as email, coalesce(u.administrator, false) as administrator, t.expires_at
from api_tokens as t left join users as u on u.id = t.user_id
where t.digest = :digest and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
"""
_OF_USER = """
select t.id::text as id, t.name, t.scope, coalesce(t.app, '') as app, t.kind, t.created_at, t.expires_at
from api_tokens as t
where t.user_id is not distinct from nullif(:user, '')::uuid and t.revoked_at is null
    and (t.expires_at is null or t.expires_at > now())
order by t.created_at desc, t.id
"""
# An expired token does not keep its name.
_FREE_NAME = """
update api_tokens set revoked_at = expires_at
where user_id is not distinct from nullif(:user, '')::uuid and name = :name and kind = 'access'
    and revoked_at is null and expires_at <= now()
"""
_FORGET_SESSIONS = """
delete from api_tokens
where user_id = :user::uuid and kind = 'session' and (revoked_at is not null or expires_at <= now())
"""
_ADD = """
insert into api_tokens (digest, name, scope, user_id, app, kind, expires_at)
values (:digest, :name, :scope, nullif(:user, '')::uuid, nullif(:app, ''), :kind,
    now() + make_interval(secs => :seconds))
on conflict do nothing returning expires_at
"""
_REVOKE = """
update api_tokens set revoked_at = now()
where user_id is not distinct from nullif(:user, '')::uuid and (name = :name or id::text = :name)
    and revoked_at is null and (expires_at is null or expires_at > now())
returning id
"""
_REVOKE_ID = "update api_tokens set revoked_at = now() where id = :token::uuid and revoked_at is null"
_REVOKE_SESSIONS = """
update api_tokens set revoked_at = now()
where user_id = :user::uuid and kind = 'session' and revoked_at is null and id is distinct from nullif(:but, '')::uuid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAccessTokens:
    """AccessTokens over the tables api_tokens and users."""

    database: Postgres

    def find(self, digest: str) -> Caller | None:
        """Return the caller of a token; see AccessTokens."""
        rows = self.database.rows(_FIND, digest=digest)
        return Caller(**{**rows[0], "scope": Scope(rows[0]["scope"])}) if rows else None

    def add(self, name: str, scope: Scope, *, digest: str, user: str, app: str, lifetime: timedelta) -> datetime | None:
        """Add a named token; see AccessTokens."""
        with self.database.transaction():
            self.database.run(_FREE_NAME, user=user, name=name)
            fields = {"digest": digest, "name": name, "scope": scope.value, "user": user, "app": app}
            return self._add(**fields, kind="access", lifetime=lifetime)

    def add_session(self, name: str, *, digest: str, user: str, lifetime: timedelta) -> datetime:
        """Add the token of a login; see AccessTokens."""
        with self.database.transaction():
            self.database.run(_FORGET_SESSIONS, user=user)
            fields = {"digest": digest, "name": name, "scope": Scope.ADMIN.value, "user": user, "app": ""}
            expires_at = self._add(**fields, kind="session", lifetime=lifetime)
        if expires_at is None:
            msg = "two tokens have one digest"
            raise ValueError(msg)
        return expires_at

    def of_user(self, user: str) -> tuple[TokenRecord, ...]:
        """Return a user's tokens; see AccessTokens."""
        rows = self.database.rows(_OF_USER, user=user)
        return tuple(TokenRecord(**{**row, "scope": Scope(row["scope"])}) for row in rows)

    def revoke(self, name: str, *, user: str) -> bool:
        """Revoke tokens by name or id; see AccessTokens."""
        return bool(self.database.run(_REVOKE, name=name, user=user))

    def revoke_id(self, token: str) -> None:
        """Revoke a token; see AccessTokens."""
        self.database.run(_REVOKE_ID, token=token)

    def revoke_sessions(self, user: str, *, but: str) -> None:
        """Revoke a user's sessions; see AccessTokens."""
        self.database.run(_REVOKE_SESSIONS, user=user, but=but)

    def _add(self, *, lifetime: timedelta, **fields: Any) -> datetime | None:  # noqa: ANN401 - SQL values
        rows = self.database.run(_ADD, **fields, seconds=lifetime.total_seconds())
        expires_at: datetime | None = rows[0][0] if rows else None
        return expires_at
