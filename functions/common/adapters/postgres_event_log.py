"""The event log in the table events; a push's first event is read from its delivery."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.events.envelope import Envelope, from_json

_APPEND = """
insert into events (id, source, type, subject, app, environment, push, cause, body)
values (:id, :source, :type, :subject, :app, :environment, :push, :cause, :body)
on conflict do nothing
"""
_FIND = """
select body from events where id = :id
union all select event from webhook_deliveries where event_id = :id and event is not null
limit 1
"""
_OF_PUSH = """
select body from (
    select event as body, received_at as at, 0::bigint as sequence from webhook_deliveries
    where event_id = :push and event is not null
    union all select body, recorded_at, sequence from events where push = :push
) as found order by sequence, at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventLog:
    """EventLog over the tables events and webhook_deliveries."""

    database: Postgres

    def append(self, envelope: Envelope, *, cause: str = "") -> None:
        """Record an event; see EventLog."""
        self.database.run(
            _APPEND,
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            subject=envelope.subject,
            app=envelope.extensions.get("slipwayapp", ""),
            environment=envelope.extensions.get("slipwayenv", ""),
            push=envelope.extensions.get("slipwaypush", ""),
            cause=cause,
            body=envelope.to_json(),
        )

    def find(self, event_id: str) -> Envelope | None:
        """Return the event with this id; see EventLog."""
        rows = self.database.run(_FIND, id=event_id)
        return from_json(rows[0][0]) if rows else None

    def of_push(self, push: str) -> tuple[Envelope, ...]:
        """Return a push's events; see EventLog."""
        return tuple(from_json(row[0]) for row in self.database.run(_OF_PUSH, push=push))
