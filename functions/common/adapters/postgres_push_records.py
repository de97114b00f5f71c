"""What is known of pushes, from their deliveries, ledger, events and dead letters."""

import re
from dataclasses import dataclass
from datetime import datetime

from functions.common.adapters.postgres import Postgres
from functions.common.events.envelope import from_json
from functions.common.ports.push_records import DeliveryRecord, PushRecord, RecordedEvent

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
