"""Webhook deliveries and their outbox, in the table webhook_deliveries."""

import threading
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from pydantic_core import to_json

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Delivery, DeliveryOutcome
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope, from_json
from functions.common.ports.deliveries import StoredDelivery

MAX_BYTES = 8 * 1024 * 1024  # of bodies in one statement; a larger one goes alone
# One statement for any number of deliveries. They are one JSON array, with bodies in base64 and events unchanged
# (type json keeps their text).
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
        """Store all deliveries or none; of two with the same id the first is stored. Raises as `store` does."""
        rows = self.database.run(_STORE, deliveries=f"[{','.join(map(_as_json, deliveries))}]")
        new = {(row[0], row[1]) for row in rows}
        return [self._stored(delivery, new) for delivery in deliveries]

    def _stored(self, delivery: Delivery, new: set[tuple[str, str]]) -> StoredDelivery:
        """Return a delivery that is new, or the one stored earlier under its id."""
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
            msg = f"delivery {delivery_id} is being rolled back: send it again"
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
        """Record that the broker has the event; see EventOutbox."""
        self.mark_all((event_id,))

    def mark_all(self, event_ids: Sequence[str]) -> None:
        """Record that the broker has these events, in one statement. Raises Unavailable."""
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
    # Body and event are inserted as they are: escaping them as JSON strings would take time.
    body, event = b64encode(delivery.body).decode(), delivery.event or "null"
    return f'{to_json(fields).decode()[:-1]},"body":"{body}","event":{event}}}'


class GroupStore(Protocol):
    """A store that takes many at once."""

    def store_all(self, deliveries: Sequence[Delivery]) -> list[StoredDelivery]:
        """Store all or none; return of each what DeliveryInbox.store returns."""
        ...


@dataclass(slots=True)
class _Call:
    delivery: Delivery
    woken: threading.Lock = field(default_factory=threading.Lock)
    stored: StoredDelivery | None = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.woken.acquire()

    @property
    def is_done(self) -> bool:
        return self.stored is not None or self.error is not None


@dataclass(slots=True, kw_only=True)
class GroupCommit:
    """DeliveryInbox over a store: deliveries that come in side by side share one statement and one commit.

    There is no timer and no thread. A delivery that finds no other being stored is stored at once. Those that come
    meanwhile wait, and the first of them then stores all of them.
    """

    inner: GroupStore
    _waiting: list[_Call] = field(default_factory=list, repr=False)
    _storing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store a delivery, perhaps with others; see DeliveryInbox."""
        call = _Call(delivery)
        with self._lock:
            self._waiting.append(call)
            leads, self._storing = not self._storing, True
        if not leads:
            call.woken.acquire()
        if not call.is_done:
            self._lead()
        if call.stored is None:
            raise call.error or RuntimeError
        return call.stored

    def _lead(self) -> None:
        """Store for all that wait; then wake the next to lead, and those that are served."""
        with self._lock:
            batch = self._take()
        try:
            self._store(batch)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._storing = bool(following)
            for call in following + batch[1:]:
                call.woken.release()

    def _take(self) -> list[_Call]:
        size = 0
        for count, call in enumerate(self._waiting):
            size += len(call.delivery.body)
            if count and size > MAX_BYTES:
                break
        else:
            count = len(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _store(self, batch: Sequence[_Call]) -> None:
        try:
            results = self.inner.store_all([call.delivery for call in batch])
            for call, stored in zip(batch, results, strict=True):
                call.stored = stored
        except Unavailable as error:
            for call in batch:
                call.error = error
        except Exception as error:  # noqa: BLE001 - each caller raises what befell its own delivery
            if len(batch) == 1:
                batch[0].error = error
            else:
                for call in batch:  # one that the store does not take must not keep out the others
                    self._store([call])
