"""Deletes old rows in short statements, which wait for nobody."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.retention import RecordKind

# Each is the table, the column of the age, and what else must hold. A push is named by the event that announced it.
_PARKED = "select from dead_letters as l where l.event_id = one.{id} and l.state = 'parked'"
_NEEDED = f"""
    not exists (select from pushes as p where p.id = one.{{push}} and p.ended_at is null)
    and not exists (
        select from releases as r where r.push = one.{{push}} and r.push <> '' and r.state in ('started', 'live'))
    and not exists ({_PARKED})
"""  # noqa: S608 - constants
_ROWS = {
    RecordKind.AUDIT: ("audit_log", "at", "true"),
    RecordKind.EVENTS: (
        "events",
        "recorded_at",
        _NEEDED.format(push="push", id="id")
        + "and not exists (select from event_outbox as o where o.id = one.id and o.source = one.source)",
    ),
    RecordKind.REJECTIONS: ("event_rejections", "rejected_at", f"not exists ({_PARKED.format(id='event_id')})"),
    RecordKind.DELIVERIES: (
        "webhook_deliveries",
        "received_at",
        _NEEDED.format(push="event_id", id="event_id") + "and (event is null or published_at is not null)",
    ),
    RecordKind.BODIES: ("webhook_deliveries", "received_at", "not body_removed"),
    RecordKind.DEAD_LETTERS: ("dead_letters", "ended_at", "state <> 'parked'"),
    RecordKind.RUNS: ("runs", "ended_at", "ended_at is not null"),
    RecordKind.TOKENS: ("api_tokens", "least(revoked_at, expires_at)", "true"),
    RecordKind.RATES: ("rate_limits", "busy_until", "true"),
}
_BODIES = "update {table} set body = '', body_removed = true"
_DELETE = "delete from {table}"
# By their places in the table: the rows are locked until the end of the statement.
_BATCH = """
with gone as (
    {change} where ctid = any(array(
        select ctid from {table} as one where {time} < now() - cast(:older_than as interval) and {condition}
        order by {time} limit :limit for update skip locked
    )) returning 1
)
select count(*) from gone
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRetention:
    """Retention over the tables that grow with use."""

    database: Postgres

    def delete(self, kind: RecordKind, *, older_than: timedelta, limit: int) -> int:
        """Delete old records; see Retention. Of a delivery's body, the column alone is emptied."""
        return int(self.database.run(statement(kind), older_than=older_than, limit=limit)[0][0])


def statement(kind: RecordKind) -> str:
    """Return the statement that deletes a batch of old records."""
    table, time, condition = _ROWS[kind]
    change = (_BODIES if kind is RecordKind.BODIES else _DELETE).format(table=table)
    return _BATCH.format(change=change, table=table, time=time, condition=condition)
