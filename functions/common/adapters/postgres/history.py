"""What is recorded of pushes, builds and releases, for the API and for commit statuses."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.events.envelope import from_json
from functions.common.ports.pushes import (
    BuildRecord,
    Commit,
    CommitStatus,
    DeliveryRecord,
    EnvironmentRecord,
    PushRecord,
    RecordedEvent,
    ReleaseRecord,
)

# What is known of pushes, from their deliveries, ledger, events and dead letters.

_SHA_START = re.compile(r"^[0-9a-f]{7,64}\Z")
# `g` follows every hex digit, so the range holds the shas that start with the reference, by the index.
_STARTS = "sha >= :reference and sha < :reference || 'g'"
_DELIVERIES = """
select provider, delivery_id as delivery, kind, outcome, reason, sha, event_id as event, received_at,
    -- not as jsonb, which knows no NUL: the event's own type stands before its data
    coalesce(substring(event from '"type": *"([^"]*)"'), '') as type,
    published_at is not null as published
from webhook_deliveries where {where} order by received_at limit 50
"""
_PUSHES = """
select id, app, environment, repository, ref, sha, message, author, state, code, step, reason, received_at, ended_at
from pushes where {where} order by received_at, app limit 200
"""
_EVENTS = """
select body, recorded_at as at, '' as error, '' as subscriber, sequence from events
    where push = :push or (id = :push and push = '')
union all select body, parked_at, coalesce(nullif(error, ''), 'answered ' || code), subscriber, 0 from dead_letters
    where push = :push or event_id = :push
order by 2, 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushRecords:
    """PushRecords over the tables webhook_deliveries, pushes, events and dead_letters."""

    database: Postgres

    def deliveries(self, reference: str) -> tuple[DeliveryRecord, ...]:
        """Return the deliveries of a push; see PushRecords."""
        where = _STARTS if _SHA_START.match(reference) else "event_id = :reference"
        rows = self.database.rows(_DELIVERIES.format(where=where), reference=reference)
        return tuple(DeliveryRecord(**row) for row in rows)

    def pushes(self, reference: str) -> tuple[PushRecord, ...]:
        """Return what became of a push for each app; see PushRecords."""
        where = _STARTS if _SHA_START.match(reference) else "id = :reference"
        rows = self.database.rows(_PUSHES.format(where=where), reference=reference)
        return tuple(PushRecord(**row) for row in rows)

    def events(self, push: str) -> tuple[RecordedEvent, ...]:
        """Return a push's events; see PushRecords."""
        return tuple(_event(*row[:4]) for row in self.database.run(_EVENTS, push=push))


def _event(body: str, at: datetime, error: str, subscriber: str) -> RecordedEvent:
    envelope = from_json(body)
    return RecordedEvent(
        id=envelope.id,
        type=envelope.type,
        app=envelope.extensions.get("slipwayapp", ""),
        environment=envelope.extensions.get("slipwayenv", ""),
        at=at,
        data=envelope.data,
        error=error,
        subscriber=subscriber,
    )


# Releases, environments and builds as people read them; the column `config` is never selected.

_RELEASE = """
select app, environment, number, kind, state, sha, push, digest, image,
    array(select jsonb_object_keys(processes) order by 1) as processes, step, reason, note, created_at, ended_at,
    extract(epoch from coalesce(ended_at, now()) - created_at)::float8 as seconds
from releases where app = :app and environment = :environment
"""
_RELEASES = _RELEASE + "and (:before::int = 0 or number < :before::int) order by number desc limit :limit"
_ONE = _RELEASE + "and number = :number"
_RETIRED = """
and state = 'retired' and number < coalesce(
    (select max(number) from releases where app = :app and environment = :environment and state = 'live'), 2147483647)
order by number desc limit 1
"""
_BEFORE_LIVE = _RELEASE + _RETIRED
_ENVIRONMENTS = """
select e.app, e.name, e.branch, e.label, e.state, e.opened_at, e.pushed_at, e.closed_at,
    coalesce((select max(number) from releases where app = e.app and environment = e.name and state = 'live'), 0)
        as release
from environments as e where e.app = :app
order by e.state = 'closed', e.name <> 'production', e.name
"""
_BUILD = """
select name, app, environment, push, sha, ref, state, digest, step, reason, started_at, ended_at,
    extract(epoch from coalesce(ended_at, now()) - started_at)::float8 as seconds
from builds
"""
_NEWEST = """
where app = :app and (:environment = '' or environment = :environment)
    and (:before = '' or (started_at, name) < (select started_at, name from builds where name = :before))
order by started_at desc, name desc limit :limit
"""
_BUILDS = _BUILD + _NEWEST
_BUILD_BY_NAME = _BUILD + "where name = :name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseHistory:
    """ReleaseHistory over the tables releases and environments."""

    database: Postgres

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return releases, newest first; see ReleaseHistory."""
        rows = self.database.rows(_RELEASES, app=app, environment=environment, before=before, limit=limit)
        return tuple(_release(row) for row in rows)

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return the release to go back to; see ReleaseHistory."""
        if number:
            rows = self.database.rows(_ONE, app=app, environment=environment, number=number)
        else:
            rows = self.database.rows(_BEFORE_LIVE, app=app, environment=environment)
        return _release(rows[0]) if rows else None

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments; see ReleaseHistory."""
        return tuple(EnvironmentRecord(**row) for row in self.database.rows(_ENVIRONMENTS, app=app))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuildHistory:
    """BuildHistory over the table builds."""

    database: Postgres

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return builds, newest first; see BuildHistory."""
        rows = self.database.rows(_BUILDS, app=app, environment=environment, before=before, limit=limit)
        return tuple(BuildRecord(**row) for row in rows)

    def build(self, name: str) -> BuildRecord | None:
        """Return one build; see BuildHistory."""
        rows = self.database.rows(_BUILD_BY_NAME, name=name)
        return BuildRecord(**rows[0]) if rows else None


def _release(row: dict[str, Any]) -> ReleaseRecord:
    return ReleaseRecord(**{**row, "processes": tuple(row["processes"])})


# Which commit an event is about, by the tables pushes and releases.

_OF_PUSH = """
select repository, sha, (extract(epoch from received_at) * 1000000)::bigint as position
from pushes where id = :push and app = :app
"""
_OF_RELEASE = """
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
        return _commit(self.database.rows(_OF_PUSH, push=push, app=app))

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit of a release; see CommitLookup."""
        return _commit(self.database.rows(_OF_RELEASE, app=app, environment=environment, number=number))


def _commit(rows: list[dict[str, Any]]) -> Commit | None:
    return Commit(**rows[0]) if rows else None


# The newest status of each commit and context, in the table commit_statuses.

_OFFER = """
insert into commit_statuses as kept
    (sha, context, repository, event, position, rank, state, description, target_url)
values (:sha, :context, :repository, :event, :position, :rank, :state, :description, :target_url)
on conflict (sha, context) do update
set repository = excluded.repository, event = excluded.event, position = excluded.position, rank = excluded.rank,
    state = excluded.state, description = excluded.description, target_url = excluded.target_url
where (excluded.position, excluded.rank) > (kept.position, kept.rank)
"""
_FIND = """
select repository, sha, context, event, position, rank, state, description, target_url
from commit_statuses where sha = :sha and context = :context
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStatusJournal:
    """StatusJournal over the table commit_statuses."""

    database: Postgres

    def offer(self, status: CommitStatus) -> CommitStatus:
        """Remember the status unless a newer one is known; see StatusJournal."""
        self.database.run(_OFFER, **asdict(status))
        return CommitStatus(**self.database.rows(_FIND, sha=status.sha, context=status.context)[0])
