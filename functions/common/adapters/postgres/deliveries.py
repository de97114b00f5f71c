"""Inbox and outbox of webhooks in the table webhook_deliveries."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic_core import to_json

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Delivery, DeliveryOutcome
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope, from_json
from functions.common.ports.deliveries import StoredDelivery

# One statement for all, whatever their number: they come as one JSON array, with the bodies in base64 and the
# events as they are (type json keeps their text).
_STORE = """
insert into webhook_deliveries
    (provider, delivery_id, kind, headers, body, outcome, reason, sha, event_id, event, claimed_at)
select provider, delivery_id, kind, headers, decode(body, 'base64'), outcome, reason, sha, event_id, event::text,
    case when event is not null then now() end
from json_to_recordset(cast(:deliveries as json)) as given (provider text, delivery_id text, kind text,
    headers jsonb, body text, outcome text, reason text, sha text, event_id text, event json)
on conflict (provider, delivery_id) do nothing
returning provider, delivery_id
"""
_FIND = """
select event_id, outcome, reason from webhook_deliveries
where provider = :provider and delivery_id = :delivery_id
"""
_MARK = """
update webhook_deliveries set published_at = now()
where event_id = any(cast(:event_ids as text[])) and event is not null and published_at is null
"""
_CLAIM = """
with due as (
    select provider, delivery_id from webhook_deliveries
    where event is not null and published_at is null
        and (claimed_at is null or claimed_at <= now() - cast(:lease as interval))
    order by received_at, sequence limit :limit
    for update skip locked
), claimed as (
    update webhook_deliveries as d set claimed_at = now() from due
    where d.provider = due.provider and d.delivery_id = due.delivery_id
    returning d.event, d.received_at, d.sequence
)
select event from claimed order by received_at, sequence
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDeliveries:
    """DeliveryInbox and EventOutbox over the table webhook_deliveries."""

    database: Postgres

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store a delivery once; see DeliveryInbox."""
        return self.store_all((delivery,))[0]

    def store_all(self, deliveries: Sequence[Delivery]) -> list[StoredDelivery]:
        """Store deliveries, all or none; of two with one id the first counts. Raises as `store` does."""
        rows = self.database.run(_STORE, deliveries=f"[{','.join(map(_as_json, deliveries))}]")
        new = {(row[0], row[1]) for row in rows}
        return [self._told(delivery, new) for delivery in deliveries]

    def _told(self, delivery: Delivery, new: set[tuple[str, str]]) -> StoredDelivery:
        """Take a delivery from those that are new, or return what came earlier under its id."""
        key = (delivery.provider.value, delivery.delivery_id)
        if key not in new:
            return self._earlier(*key)
        new.remove(key)
        return StoredDelivery(
            delivery_id=delivery.delivery_id,
            event_id=delivery.event_id,
            outcome=delivery.outcome,
            reason=delivery.reason,
            repeated=False,
        )

    def _earlier(self, provider: str, delivery_id: str) -> StoredDelivery:
        rows = self.database.run(_FIND, provider=provider, delivery_id=delivery_id)
        if not rows:
            msg = f"delivery {delivery_id} was just being taken back: send it again"
            raise Unavailable(msg)
        event_id, outcome, reason = rows[0]
        return StoredDelivery(
            delivery_id=delivery_id,
            event_id=event_id,
            outcome=DeliveryOutcome(outcome),
            reason=reason,
            repeated=True,
        )

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event; see DeliveryInbox."""
        self.mark_all((event_id,))

    def mark_all(self, event_ids: Sequence[str]) -> None:
        """Note that the broker has these events, in one statement. Raises Unavailable."""
        self.database.run(_MARK, event_ids=list(event_ids))

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Lease unpublished events; see EventOutbox."""
        return tuple(from_json(row[0]) for row in self.database.run(_CLAIM, lease=older_than, limit=limit))


def _as_json(delivery: Delivery) -> str:
    fields = {
        "provider": delivery.provider,
        "delivery_id": delivery.delivery_id,
        "kind": delivery.kind,
        "headers": delivery.headers,
        "outcome": delivery.outcome,
        "reason": delivery.reason,
        "sha": delivery.sha,
        "event_id": delivery.event_id,
    }
    # The long ones are JSON without being escaped once more.
    body, event = b64encode(delivery.body).decode(), delivery.event or "null"
    return f'{to_json(fields).decode()[:-1]},"body":"{body}","event":{event}}}'
