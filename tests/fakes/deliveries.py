"""Inbox and outbox in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from functions.common.domain.delivery import Delivery, Provider
from functions.common.errors import Unavailable
from functions.common.events.envelope import Envelope, from_json
from functions.common.ports.deliveries import StoredDelivery


@dataclass(slots=True)
class _Row:
    delivery: Delivery
    claimed_at: datetime
    published: bool = False


class FakeDeliveries:
    """DeliveryInbox and EventOutbox; set `down` to make it unavailable, read `deliveries` for the stored ones."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Provider, str], _Row] = {}
        self.down = False

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Return the stored deliveries, oldest first."""
        return tuple(row.delivery for row in self._rows.values())

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store a delivery once; see DeliveryInbox."""
        self._check()
        key = (delivery.provider, delivery.delivery_id)
        repeated = key in self._rows
        first = self._rows.setdefault(key, _Row(delivery, datetime.now(UTC))).delivery
        return StoredDelivery(
            delivery_id=first.delivery_id,
            event_id=first.event_id,
            outcome=first.outcome,
            reason=first.reason,
            repeated=repeated,
        )

    def mark_published(self, event_id: str) -> None:
        """Record that the broker has the event; see EventOutbox."""
        self._check()
        for row in self._rows.values():
            row.published = row.published or row.delivery.event_id == event_id

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Lease unpublished events; see EventOutbox."""
        self._check()
        now = datetime.now(UTC)
        open_rows = [row for row in self._rows.values() if row.delivery.event and not row.published]
        due = [row for row in open_rows if row.claimed_at <= now - older_than][:limit]
        for row in due:
            row.claimed_at = now
        return tuple(from_json(row.delivery.event) for row in due if row.delivery.event)

    def _check(self) -> None:
        if self.down:
            msg = "the store of deliveries is down"
            raise Unavailable(msg)
