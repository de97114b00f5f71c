"""Which users have changed since their keys and roles were put into the forge."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.accounts import AppRole
from functions.common.ports.forge import ForgeAccount, SyncedAccount

# Rows that a change holds are skipped: that change makes them due again.
_CLAIM = """
update forge_accounts as a set tried_at = clock_timestamp() from (
    select email from forge_accounts
    where (synced_at is distinct from changed_at or error <> '')
        and (tried_at is null or tried_at < changed_at or tried_at < now() - interval '10 minutes')
    order by tried_at nulls first limit :limit for update skip locked
) as due where a.email = due.email returning a.email, a.changed_at
"""
_KEYS = """
select k.name, k.public_key from ssh_keys as k join users as u on u.id = k.user_id where u.email = :email
"""
_ROLES = """
select p.git_repo_name, m.role from app_members as m join users as u on u.id = m.user_id
join projects as p on p.name = m.app where u.email = :email and p.git_repo_name <> ''
"""
_GRANTED = "select repository from forge_roles where email = :email"
# Before the forge is asked: a role that it gives is taken back later, also when this process dies before `finish`.
_INTEND = """
insert into forge_roles (email, repository) select :email, unnest(cast(:repositories as text[])) on conflict do nothing
"""
_INTEND_ONE = """
with known as (
    select a.email, a.username from forge_accounts as a join users as u on u.email = a.email
    where u.id = cast(:user as uuid) and a.username <> ''
),
intended as (
    insert into forge_roles (email, repository) select email, :repository from known on conflict do nothing
)
select username from known
"""
_FORGET = "delete from forge_roles where email = :email and repository <> all(cast(:granted as text[]))"
_FINISH = """
update forge_accounts set username = :username, synced_at = :changed_at, error = :error where email = :email
"""
_FAIL = "update forge_accounts set error = :error where email = :email"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresForgeAccountRecords:
    """ForgeAccountRecords and ForgeUsernames over forge_accounts and forge_roles; triggers note what changes."""

    database: Postgres

    def claim(self, *, limit: int) -> tuple[ForgeAccount, ...]:
        """Return users that have changed; see ForgeAccountRecords."""
        with self.database.transaction():
            due = self.database.rows(_CLAIM, limit=limit)
            return tuple(self._account(**row) for row in due)

    def finish(self, account: ForgeAccount, synced: SyncedAccount) -> None:
        """Record what the forge has; see ForgeAccountRecords."""
        with self.database.transaction():
            self.database.run(_FORGET, email=account.email, granted=list(synced.granted))
            self.database.run(
                _FINISH,
                email=account.email,
                username=synced.username,
                changed_at=account.changed_at,
                error="; ".join(synced.problems),
            )

    def intend(self, user: str, repository: str) -> str:
        """Record a role that a user is about to get; see ForgeUsernames."""
        rows = self.database.run(_INTEND_ONE, user=user, repository=repository)
        return str(rows[0][0]) if rows else ""

    def fail(self, account: ForgeAccount, error: str) -> None:
        """Record an error; see ForgeAccountRecords."""
        self.database.run(_FAIL, email=account.email, error=error)

    def _account(self, email: str, changed_at: datetime) -> ForgeAccount:
        roles = {repository: AppRole(role) for repository, role in self.database.run(_ROLES, email=email)}
        self.database.run(_INTEND, email=email, repositories=list(roles))
        return ForgeAccount(
            email=email,
            changed_at=changed_at,
            keys={name: key for name, key in self.database.run(_KEYS, email=email)},  # noqa: C416 - rows are lists
            roles=roles,
            granted=[repository for (repository,) in self.database.run(_GRANTED, email=email)],
        )
