"""Users and invitations."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Rejected
from functions.common.ports.accounts import Invitation, User

# Users in the table users.

_SELECT = "select id::text as id, email, administrator, created_at, password from users "
_BY_EMAIL = _SELECT + "where email = :email"
_PAGE = _SELECT + "where email > :after order by email limit :limit"
_ADD = """
insert into users (email, password, administrator) values (:email, :password, :administrator)
on conflict do nothing returning id
"""
_SET_PASSWORD = "update users set password = :password where id = :user::uuid"  # noqa: S105 - SQL
_SET_ADMINISTRATOR = "update users set administrator = :administrator where id = :user::uuid"
_LOCK_ADMINISTRATORS = "select id::text from users where administrator order by id for update"
_LOCK_USERS = "lock table users in share row exclusive mode"
_ONLY_OWNED = """
select m.app from app_members as m where m.user_id = :user::uuid and m.role = 'owner'
    and not exists (select 1 from app_members as o where o.app = m.app and o.role = 'owner' and o.user_id <> m.user_id)
order by m.app
"""
_LOCK_OWNED = """
select name from projects where name in (select app from app_members where user_id = :user::uuid) order by name
for update
"""
_REMOVE = "delete from users where id = :user::uuid"
_WITHDRAW_ALL_OF = "delete from invitations where invited_by = (select email from users where id = :user::uuid)"
_ADOPT = """
insert into app_members (app, user_id, role)
select name, :user::uuid, 'owner' from projects as p
where not exists (select 1 from app_members where app = p.name and role = 'owner')
on conflict (app, user_id) do update set role = 'owner'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUsers:
    """Users over the table users."""

    database: Postgres

    def by_email(self, email: str) -> User | None:
        """Return a user; see Users."""
        rows = self.database.rows(_BY_EMAIL, email=email)
        return User(**rows[0]) if rows else None

    def page(self, *, after: str, limit: int) -> tuple[User, ...]:
        """Return a page of users; see Users."""
        return tuple(User(**row) for row in self.database.rows(_PAGE, after=after, limit=limit))

    def add(self, email: str, *, password: str, administrator: bool) -> User | None:
        """Add a user; see Users."""
        added = self.database.run(_ADD, email=email, password=password, administrator=administrator)
        return self.by_email(email) if added else None

    def set_password(self, user: str, password: str) -> None:
        """Replace a user's password; see Users."""
        self.database.run(_SET_PASSWORD, user=user, password=password)

    def set_administrator(self, user: str, *, administrator: bool) -> bool:
        """Make a user an administrator or not; see Users."""
        with self.database.transaction():
            if not administrator and not self._others(user):
                return False
            self.database.run(_SET_ADMINISTRATOR, user=user, administrator=administrator)
            if not administrator:
                self.database.run(_WITHDRAW_ALL_OF, user=user)
        return True

    def remove(self, user: str) -> tuple[str, ...]:
        """Remove a user; see Users."""
        with self.database.transaction():
            if not self._others(user):
                msg = "this is the only administrator: make another user one first (`paas users promote EMAIL`)"
                raise Rejected(msg)
            self.database.run(_LOCK_OWNED, user=user)
            owned = tuple(app for (app,) in self.database.run(_ONLY_OWNED, user=user))
            if not owned:
                self.database.run(_WITHDRAW_ALL_OF, user=user)
                self.database.run(_REMOVE, user=user)
        return owned

    def add_first(self, email: str, *, password: str) -> User | None:
        """Add the first administrator; see Users."""
        with self.database.transaction():
            self.database.run(_LOCK_USERS)
            if self.database.run(_LOCK_ADMINISTRATORS):
                return None
            user = self.add(email, password=password, administrator=True)
            if user is None:
                msg = f"{email} is a user already, but no administrator"
                raise Rejected(msg)
            self.database.run(_ADOPT, user=user.id)
        return user

    def _others(self, user: str) -> bool:
        """Lock the administrators and return whether there is one beside this user."""
        return any(one != user for (one,) in self.database.run(_LOCK_ADMINISTRATORS))


# Invitations in the table invitations.

_INVITE = """
insert into invitations (digest, email, administrator, invited_by, expires_at)
values (:digest, :email, :administrator, :invited_by, :expires_at)
on conflict (email) do update set digest = excluded.digest, administrator = excluded.administrator,
    invited_by = excluded.invited_by, expires_at = excluded.expires_at, created_at = now()
"""
_TAKE = """
delete from invitations where digest = :digest and expires_at > now()
returning email, administrator, invited_by, expires_at
"""
_TAKE_FOR = _TAKE.replace("digest = :digest", "email = :email")
_INVITATIONS = """
select email, administrator, invited_by, expires_at from invitations where expires_at > now() order by email
"""
_WITHDRAW = "delete from invitations where email = :email and expires_at > now() returning email"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInvitations:
    """Invitations over the table invitations."""

    database: Postgres

    def add(self, invitation: Invitation, *, digest: str) -> None:
        """Add an invitation; see Invitations."""
        self.database.run(
            _INVITE,
            digest=digest,
            email=invitation.email,
            administrator=invitation.administrator,
            invited_by=invitation.invited_by,
            expires_at=invitation.expires_at,
        )

    def take(self, digest: str) -> Invitation | None:
        """Remove and return an invitation; see Invitations."""
        rows = self.database.rows(_TAKE, digest=digest)
        return Invitation(**rows[0]) if rows else None

    def take_for(self, email: str) -> Invitation | None:
        """Remove and return the invitation of an email; see Invitations."""
        rows = self.database.rows(_TAKE_FOR, email=email)
        return Invitation(**rows[0]) if rows else None

    def all(self) -> tuple[Invitation, ...]:
        """Return the invitations; see Invitations."""
        return tuple(Invitation(**row) for row in self.database.rows(_INVITATIONS))

    def remove(self, email: str) -> bool:
        """Withdraw an invitation; see Invitations."""
        return bool(self.database.run(_WITHDRAW, email=email))
