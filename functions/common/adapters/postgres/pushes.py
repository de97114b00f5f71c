"""Pushes: their state machine, their history, and the records that explain them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.common.adapters.postgres.client import UNIQUE_VIOLATION, Postgres, sqlstate
from functions.common.domain.push import FINAL_STATES, Push, PushState, is_zero
from functions.common.errors import Unavailable
from functions.common.events.envelope import from_json
from functions.common.ports.pushes import BaseState, DeliveryRecord, Lineage, PushRecord, RecordedEvent, StuckPush

COLUMNS = (
    "id, app, environment, repository, ref, before, sha, message, author, "
    "sequence, state, code, step, reason, received_at"
)


def push(row: dict[str, Any]) -> Push:
    """Return the push of a row with COLUMNS."""
    return Push(**row | {"state": PushState(row["state"])})


def _parameters(push: Push) -> dict[str, str]:
    """Return the columns that come from the forge."""
    return {
        "id": push.id,
        "app": push.app,
        "environment": push.environment,
        "repository": push.repository,
        "ref": push.ref,
        "before": push.before,
        "sha": push.sha,
        "message": push.message,
        "author": push.author,
    }


_VALUES = ":id, :app, :environment, :repository, :ref, :before, :sha, :message, :author"
_INTO = "pushes (id, app, environment, repository, ref, before, sha, message, author, sequence, state"
# One statement, so one round trip. It reads the environment and increments its sequence only if no concurrent
# statement did so in between: the update locks the row and compares it again. The second of two gets no row, and
# repeats the statement. The sequence of a new app continues after that of a deleted app of its name.
_ADMIT = f"""
with recorded as materialized (select {COLUMNS} from pushes where id = :id and app = :app),
place as materialized (
    select pushed_sequence, opened_at,
        greatest(pushed_sequence, (select max(sequence) from pushes where app = :app and environment = :environment))
            + 1 as next
    from environments where app = :app and name = :environment and not exists (select from recorded)
),
newest as materialized (
    select pushes.id, pushes.sha from pushes, place
    where app = :app and environment = :environment and sequence > 0 and received_at >= place.opened_at
        and state not in ('failed', 'superseded') and not (sha = :sha and exists (
            -- What the app has in another folder now was not built.
            select from builds, projects where projects.name = :app and builds.app = :app
                and builds.environment = :environment and builds.sha = :sha
            group by projects.root having bool_and(builds.root <> projects.root)))
    order by sequence desc limit 1
),
moved as (
    update environments as e set pushed_sequence = place.next, pushed_at = now() from place
    where e.app = :app and e.name = :environment and e.pushed_sequence = place.pushed_sequence
        and not exists (select from newest where sha = :sha)
    returning e.pushed_sequence
),
admitted as (
    insert into {_INTO}) select {_VALUES}, moved.pushed_sequence, 'received' from moved returning {COLUMNS}
),
repeated as (
    insert into {_INTO}, code, reason, ended_at)
    select {_VALUES}, 0, 'ignored', 'duplicate',
        'push ' || newest.id || ' has the same commit and came first', now()
    from newest where newest.sha = :sha returning {COLUMNS}
)
select * from recorded union all select * from admitted union all select * from repeated
"""  # noqa: S608 - constants
_RECORD = f"""
with made as (
    insert into {_INTO}, code, reason, ended_at) values ({_VALUES}, 0, :state, :code, :reason, now())
    on conflict do nothing returning {COLUMNS}
)
select * from made union all select {COLUMNS} from pushes where id = :id and app = :app
"""  # noqa: S608 - as above
_ADVANCE = """
update pushes set state = :state, step = :step, reason = :reason, moved_at = now(),
    ended_at = case when cast(:final as boolean) then now() end
where id = :id and app = :app and state = any(cast(:earlier as text[]))
returning id
"""
_ORDER = (PushState.RECEIVED, PushState.BUILDING, PushState.RELEASING)
_TRIES = 50  # each one fails only because a concurrent statement succeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushLedger:
    """PushLedger over the tables pushes and environments."""

    database: Postgres

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest; see PushLedger."""
        return self._written(_ADMIT, _parameters(push))

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a final push; see PushLedger."""
        end = {"state": push.state.value, "code": code or push.code, "reason": push.reason}
        return self._written(_RECORD, _parameters(push) | end)

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; see PushLedger."""
        final = state in FINAL_STATES
        earlier = [before.value for before in (_ORDER if final else _ORDER[: _ORDER.index(state)])]
        change = {"state": state.value, "step": step, "reason": reason, "final": final, "earlier": earlier}
        return bool(self.database.run(_ADVANCE, id=push_id, app=app, **change))

    def _written(self, sql: str, values: dict[str, Any]) -> Push:
        for _ in range(_TRIES):
            try:
                rows = self.database.rows(sql, **values)
            except Exception as error:
                if sqlstate(error) != UNIQUE_VIOLATION:
                    raise
                continue  # the same push has just been recorded: the next attempt finds it
            if rows:
                return push(rows[0])
        msg = f"push {values['id']}: {values['app']}/{values['environment']} is deleted or too busy; try again"
        raise Unavailable(msg)


_RECORDED = f"select {COLUMNS} from pushes where id = :id order by app"  # noqa: S608 - a constant
# A deleted branch is a recorded push of zeros; a preview that is used after it was reopened later.
# The chain of pushes continues through filtered ones: they replace no other push.
_LINEAGE = """
with recursive of_app as (
    select *, state = 'ignored' and code in ('skip-ci', 'paths') as filtered
    from pushes where app = :app and repository = :repository and ref = :ref and id <> :id
    order by received_at desc limit 500 -- older ones do not matter
),
reached as (
    select cast(:sha as text) as sha
    union select of_app.sha from of_app, reached where of_app.before = reached.sha and filtered
),
base as (select * from of_app where sha = :before)
select
    case when exists (select from base where state <> 'superseded' or sequence > 0) then 'handled'
        when exists (select from base) then 'dropped'
        when exists (select from of_app) then 'unknown' else 'first' end as base,
    exists (select from of_app where sha = :head and filtered) as head_ignored,
    exists (
        select from of_app, reached where of_app.before = reached.sha and of_app.sha <> :before and not filtered
    ) or cast(:makes_branch as boolean) and exists (
        select from of_app as other where trim('0' from other.sha) <> ''
            and not exists (
                select from of_app as deletion where trim('0' from deletion.sha) = ''
                    and deletion.received_at > other.received_at)
            and not exists (
                select from environments e where e.app = other.app and e.name = other.environment
                    and e.closed_at > other.received_at)
    ) as overtaken
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushHistory:
    """PushHistory over the tables pushes and environments."""

    database: Postgres

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return the records of a push; see PushHistory."""
        return tuple(push(row) for row in self.database.rows(_RECORDED, id=push_id))

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return the push's position; see PushHistory."""
        rows = self.database.rows(
            _LINEAGE,
            id=push.id,
            app=push.app,
            repository=push.repository,
            ref=push.ref,
            before=push.before,
            sha=push.sha,
            head=head,
            makes_branch=is_zero(push.before),
        )
        row = rows[0]
        return Lineage(base=BaseState(row["base"]), head_ignored=row["head_ignored"], overtaken=row["overtaken"])


_STUCK = f"""
select {COLUMNS},
    coalesce((select name from builds where builds.push = pushes.id and builds.app = pushes.app
        order by started_at desc limit 1), '') as build,
    now() - greatest(moved_at, (select max(r.moved_at) from releases as r
        where r.push = pushes.id and r.app = pushes.app and r.push <> '')) as idle
from pushes where ended_at is null and moved_at < now() - cast(:longer_than as interval)
order by moved_at limit :limit
"""  # noqa: S608 - the columns are constants


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStuckPushes:
    """StuckPushes over the table pushes."""

    database: Postgres

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckPush, ...]:
        """Return pushes that may be stuck; see StuckPushes."""
        found = []
        for row in self.database.rows(_STUCK, longer_than=longer_than, limit=limit):
            build, idle = row.pop("build"), row.pop("idle")
            found.append(StuckPush(push=push(row), build=build, idle=idle))
        return tuple(found)


_SHA_START = re.compile(r"^[0-9a-f]{7,64}\Z")
# `g` follows every hex digit: the range contains the shas that start with the reference, and can use the index.
_STARTS = "sha >= :reference and sha < :reference || 'g'"
_DELIVERIES = """
select provider, delivery_id as delivery, kind, outcome, reason, sha, event_id as event, received_at,
    -- not as jsonb, which refuses NUL: the type comes before the data in the event
    coalesce(substring(event from '"type": *"([^"]*)"'), '') as type,
    published_at is not null as published
from webhook_deliveries where {where} order by received_at limit 50
"""
_PUSH_RECORDS = """
select id, app, environment, repository, ref, sha, message, author, state, code, step, reason, received_at, ended_at
from pushes where {where} order by received_at, app limit 200
"""
_NEWEST_OF_APP = """app = :app and (:ref::text = '' or ref = :ref::text)
    and (:before::text = '' or (received_at, id) <
        (select received_at, id from pushes where id = :before::text and app = :app))"""
_NEWEST = (
    _PUSH_RECORDS.format(where=_NEWEST_OF_APP).partition("order by")[0]
    + "order by received_at desc, id desc limit :limit"
)
_PUSH_EVENTS = """
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
        """Return the states of a push for each app; see PushRecords."""
        where = _STARTS if _SHA_START.match(reference) else "id = :reference"
        rows = self.database.rows(_PUSH_RECORDS.format(where=where), reference=reference)
        return tuple(PushRecord(**row) for row in rows)

    def newest(self, app: str, *, branch: str, before: str, limit: int) -> tuple[PushRecord, ...]:
        """Return an app's newest pushes; see PushRecords."""
        ref = f"refs/heads/{branch}" if branch else ""
        return tuple(
            PushRecord(**row) for row in self.database.rows(_NEWEST, app=app, ref=ref, before=before, limit=limit)
        )

    def events(self, push: str) -> tuple[RecordedEvent, ...]:
        """Return a push's events; see PushRecords."""
        return tuple(_recorded_event(*row[:4]) for row in self.database.run(_PUSH_EVENTS, push=push))


def _recorded_event(body: str, at: datetime, error: str, subscriber: str) -> RecordedEvent:
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
