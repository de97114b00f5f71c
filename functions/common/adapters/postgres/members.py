"""Members of apps, and the SSH keys of users."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import NotFound, Rejected
from functions.common.ports.accounts import AppRole, Caller, Member, Membership, PublicKey, Scope, SshKey

# Members in the table app_members.

_OF_USER = """
select m.role, p.created_at from app_members as m join projects as p on p.name = m.app
where m.app = :app and m.user_id = :user::uuid
"""
_ALL = """
select u.email, m.role, m.added_at from app_members as m join users as u on u.id = m.user_id
where m.app = :app order by m.role <> 'owner', u.email
"""
_LOCK_APP = "select name from projects where name = :app for update"
_OWNERS = "select user_id::text from app_members where app = :app and role = 'owner'"
_PUT = """
insert into app_members (app, user_id, role) values (:app, :user::uuid, :role)
on conflict (app, user_id) do update set role = excluded.role
"""
_REMOVE = "delete from app_members where app = :app and user_id = :user::uuid returning role"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMembers:
    """Members over the table app_members."""

    database: Postgres

    def of_user(self, app: str, user: str) -> Membership | None:
        """Return a user's membership; see Members."""
        rows = self.database.run(_OF_USER, app=app, user=user)
        return Membership(role=AppRole(rows[0][0]), since=rows[0][1]) if rows else None

    def all(self, app: str) -> tuple[Member, ...]:
        """Return the members; see Members."""
        rows = self.database.run(_ALL, app=app)
        return tuple(Member(email=email, role=AppRole(role), added_at=added_at) for email, role, added_at in rows)

    def put(self, app: str, user: str, role: AppRole) -> bool:
        """Add a member or change the role; see Members."""
        with self.database.transaction():
            if role is not AppRole.OWNER and self._is_only_owner(app, user):
                return False
            self.database.run(_PUT, app=app, user=user, role=role.value)
        return True

    def remove(self, app: str, user: str) -> bool:
        """Remove a member; see Members."""
        with self.database.transaction():
            if self._is_only_owner(app, user):
                return False
            if not self.database.run(_REMOVE, app=app, user=user):
                msg = f"the user is not a member of {app}: see `paas access list --app {app}`"
                raise NotFound(msg)
        return True

    def _is_only_owner(self, app: str, user: str) -> bool:
        self.database.run(_LOCK_APP, app=app)
        return [one for (one,) in self.database.run(_OWNERS, app=app)] == [user]


# SSH keys in the table ssh_keys.

_SELECT_KEYS = """
select k.id::text as id, k.name, k.public_key, k.fingerprint, k.added_at,
    case when f.tried_at is null then '' when f.error <> '' then f.error
        when f.synced_at = f.changed_at then 'stored' else 'pending' end as forge
from ssh_keys as k join users as u on u.id = k.user_id left join forge_accounts as f on f.email = u.email
where k.user_id = :user::uuid
"""
_KEYS_OF_USER = _SELECT_KEYS + "order by k.name"
_ONE_KEY = _SELECT_KEYS + "and k.fingerprint = :fingerprint"
_ADD_KEY = """
insert into ssh_keys (user_id, name, public_key, fingerprint)
values (:user::uuid, :name, :public_key, :fingerprint) on conflict do nothing returning id
"""
_CALLER = """
select k.id::text as token, k.name, k.user_id::text as "user", u.email, u.administrator
from ssh_keys as k join users as u on u.id = k.user_id where k.fingerprint = :fingerprint
"""
_HOLDER = "select user_id::text, name from ssh_keys where fingerprint = :fingerprint"
_REMOVE_KEY = """
delete from ssh_keys where user_id = :user::uuid and (id::text = :key or fingerprint = :key)
returning id::text as id, name, public_key, fingerprint, added_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSshKeys:
    """SshKeys over the table ssh_keys."""

    database: Postgres

    def of_user(self, user: str) -> tuple[SshKey, ...]:
        """Return a user's keys; see SshKeys."""
        return tuple(SshKey(**row) for row in self.database.rows(_KEYS_OF_USER, user=user))

    def add(self, user: str, name: str, key: PublicKey) -> SshKey:
        """Add a key; see SshKeys."""
        values = {"name": name, "public_key": key.text, "fingerprint": key.fingerprint}
        if not self.database.run(_ADD_KEY, user=user, **values):
            raise Rejected(self._why_taken(user, name, key))
        return SshKey(**self.database.rows(_ONE_KEY, user=user, fingerprint=key.fingerprint)[0])

    def caller(self, fingerprint: str) -> Caller | None:
        """Return the user of a key; see SshKeys."""
        rows = self.database.rows(_CALLER, fingerprint=fingerprint)
        return Caller(scope=Scope.DEPLOY, **rows[0]) if rows else None

    def remove(self, user: str, key: str) -> SshKey | None:
        """Remove a key; see SshKeys."""
        rows = self.database.rows(_REMOVE_KEY, user=user, key=key)
        return SshKey(**rows[0]) if rows else None

    def _why_taken(self, user: str, name: str, key: PublicKey) -> str:
        holders = self.database.run(_HOLDER, fingerprint=key.fingerprint)
        if not holders:
            return f"name: you have a key named {name!r} already: choose another name, or remove that key first"
        holder, known_as = holders[0]
        if holder == user:
            return f"public_key: you have added this key already, as {known_as!r}"
        return "public_key: another user has added this key: each person needs a key of their own"
