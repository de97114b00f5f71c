"""Branch heads that were read at forges, and the newest status of each commit."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.pushes import COLUMNS, push
from functions.common.domain.push import Push
from functions.common.ports.forge import Commit, CommitStatus, PendingHead, WatchedRepository

_DUE = """
select a.git_key as repository, min(a.git_url) as clone_url, max(f.read_at) as read_at,
    (select jsonb_object_agg(branch, settled) filter (where settled <> '') from forge_heads as h
        where h.repository = a.git_key) as handled,
    (select jsonb_object_agg(branch, jsonb_build_object('sha', sha, 'since', since,
            'overdue', since < now() - cast(:patience as interval))) filter (where sha <> settled)
        from forge_heads as h where h.repository = a.git_key) as pending,
    array(select branch from forge_heads as h where h.repository = a.git_key
        and exists (select from pushes as p where p.repository = a.git_key
            and p.ref = 'refs/heads/' || h.branch and p.received_at > max(f.read_at) - cast(:patience as interval))
    ) as pushed,
    coalesce(array_agg(a.branch) filter (where not exists (select 1 from pushes as p where p.app = a.name)
        or exists (select 1 from pushes as p where p.app = a.name and p.repository = a.git_key
            and p.ref = 'refs/heads/' || a.branch)), '{}') as awaited
from projects as a left join forge_repositories as f on f.repository = a.git_key
where a.git_key <> '' group by a.git_key order by max(f.looked_at) nulls first, a.git_key limit :limit
"""
_READ = """
insert into forge_repositories (repository, read_at) values (:repository, now())
on conflict (repository) do update set looked_at = now(), read_at = now()
"""
_UNREADABLE = """
insert into forge_repositories (repository) values (:repository)
on conflict (repository) do update set looked_at = now()
"""
_DELETE_MISSING = "delete from forge_heads where repository = :repository and branch <> all(cast(:branches as text[]))"
# A head that was handled and is not any more (other pushes came since) waits for its webhook again.
_RECORD = """
insert into forge_heads as kept (repository, branch, sha, settled)
select :repository, branch, sha, case when branch = any(cast(:handled as text[])) then sha else '' end
from unnest(cast(:branches as text[]), cast(:shas as text[])) as read (branch, sha)
on conflict (repository, branch) do update set
    sha = excluded.sha,
    since = case when kept.sha = excluded.sha and (kept.settled <> kept.sha or excluded.settled = kept.sha)
        then kept.since else now() end,
    settled = case when excluded.settled <> '' then excluded.settled
        when kept.settled = excluded.sha then '' else kept.settled end
where kept.sha <> excluded.sha or excluded.settled <> kept.settled and kept.settled = excluded.sha
    or excluded.settled not in ('', kept.settled)
"""
_OF_BRANCH = f"""
select {COLUMNS} from pushes
where repository = :repository and ref = :ref
    and (app = '' or app in (select name from projects where git_key = :repository))
order by received_at desc limit :limit
"""  # noqa: S608 - the columns are a constant
_DELIVERED = """
select exists (select from webhook_deliveries
    where sha = :sha and sha <> '' and received_at > now() - cast(:within as interval))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHeadRecords:
    """HeadRecords over the tables projects, forge_repositories and forge_heads."""

    database: Postgres

    def due(self, *, limit: int, patience: timedelta) -> tuple[WatchedRepository, ...]:
        """Return repositories to check; see HeadRecords."""
        return tuple(
            WatchedRepository(
                repository=row["repository"],
                clone_url=row["clone_url"],
                read_at=row["read_at"],
                handled=row["handled"] or {},
                pending={branch: _pending(head) for branch, head in (row["pending"] or {}).items()},
                pushed=frozenset(row["pushed"]),
                awaited=frozenset(row["awaited"]),
            )
            for row in self.database.rows(_DUE, limit=limit, patience=patience)
        )

    def record(self, repository: str, heads: Mapping[str, str], *, handled: Collection[str]) -> None:
        """Replace the recorded heads; see HeadRecords."""
        branches, shas = list(heads), list(heads.values())
        with self.database.transaction():
            self.database.run(_READ, repository=repository)
            self.database.run(_DELETE_MISSING, repository=repository, branches=branches)
            self.database.run(_RECORD, repository=repository, branches=branches, shas=shas, handled=list(handled))

    def mark_unreadable(self, repository: str) -> None:
        """Record that the repository could not be read; see HeadRecords."""
        self.database.run(_UNREADABLE, repository=repository)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBranchPushes:
    """BranchPushes over the tables pushes and webhook_deliveries."""

    database: Postgres

    def of_branch(self, repository: str, branch: str, *, limit: int) -> tuple[Push, ...]:
        """Return the branch's newest recorded pushes; see BranchPushes."""
        rows = self.database.rows(_OF_BRANCH, repository=repository, ref=f"refs/heads/{branch}", limit=limit)
        return tuple(push(row) for row in rows)

    def was_delivered(self, sha: str, *, within: timedelta) -> bool:
        """Return whether a delivery arrived recently; see BranchPushes."""
        return bool(self.database.run(_DELIVERED, sha=sha, within=within)[0][0])


def _pending(head: Mapping[str, Any]) -> PendingHead:
    since = datetime.fromisoformat(head["since"]).astimezone(UTC)
    return PendingHead(sha=head["sha"], since=since, overdue=head["overdue"])


_COMMIT_OF_PUSH = """
select repository, sha, (extract(epoch from received_at) * 1000000)::bigint as position
from pushes where id = :push and app = :app
"""
_COMMIT_OF_RELEASE = """
select coalesce(nullif(p.repository, ''), a.git_key, '') as repository, r.sha,
    (extract(epoch from case when r.kind = 'push' then coalesce(p.received_at, r.created_at) else r.created_at end)
        * 1000000)::bigint as position
from releases as r
left join pushes as p on p.id = r.push and p.app = r.app
left join projects as a on a.name = r.app
where r.app = :app and r.environment = :environment and r.number = :number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCommitLookup:
    """CommitLookup over the tables pushes, releases and projects."""

    database: Postgres

    def of_push(self, push: str, app: str) -> Commit | None:
        """Return the commit of a push; see CommitLookup."""
        return _commit(self.database.rows(_COMMIT_OF_PUSH, push=push, app=app))

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit of a release; see CommitLookup."""
        return _commit(self.database.rows(_COMMIT_OF_RELEASE, app=app, environment=environment, number=number))


def _commit(rows: list[dict[str, Any]]) -> Commit | None:
    return Commit(**rows[0]) if rows else None


_OFFER = """
insert into commit_statuses as kept
    (sha, context, repository, event, position, rank, state, description, target_url)
values (:sha, :context, :repository, :event, :position, :rank, :state, :description, :target_url)
on conflict (sha, context) do update
set repository = excluded.repository, event = excluded.event, position = excluded.position, rank = excluded.rank,
    state = excluded.state, description = excluded.description, target_url = excluded.target_url
where (excluded.position, excluded.rank) > (kept.position, kept.rank)
"""
_FIND_STATUS = """
select repository, sha, context, event, position, rank, state, description, target_url
from commit_statuses where sha = :sha and context = :context
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStatusJournal:
    """StatusJournal over the table commit_statuses."""

    database: Postgres

    def offer(self, status: CommitStatus) -> CommitStatus:
        """Record the status unless a newer one is recorded; see StatusJournal."""
        self.database.run(_OFFER, **asdict(status))
        return CommitStatus(**self.database.rows(_FIND_STATUS, sha=status.sha, context=status.context)[0])
