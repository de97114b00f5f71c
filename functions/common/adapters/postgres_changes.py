"""Changes and their events in one PostgreSQL transaction; what the broker does not take stays in event_outbox."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from functions.common.adapters.postgres import Postgres
from functions.common.errors import SlipwayError
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.envelope import Envelope, envelop, from_json
from functions.common.ports.clock import Clock
from functions.common.ports.event_log import EventLog
from functions.common.ports.event_sink import EventSink

_ENQUEUE = "insert into event_outbox (id, source) values (:id, :source) on conflict do nothing"
_PUBLISHED = "delete from event_outbox where id = :id"
_CLAIM = """
update event_outbox as o set claimed_at = now() from (
    select id, source from event_outbox where claimed_at < now() - make_interval(secs => :seconds)
    order by recorded_at limit :limit for update skip locked
) as due join events as e using (id, source)
where o.id = due.id and o.source = due.source
returning e.sequence, e.body
"""

_log = logging.getLogger("slipway")


@dataclass(slots=True, kw_only=True)
class PostgresChange:
    """Change: envelopes are recorded when announced and kept to be sent."""

    database: Postgres
    log: EventLog
    clock: Clock
    envelopes: list[Envelope] = field(default_factory=list)
    queued: bool = False

    def announce(self, event: Event, *, discriminator: str = "") -> str:
        """Record an event; see Change."""
        cause = CURRENT_CAUSE.get()
        envelope = envelop(event, cause=cause, time=self.clock.now().isoformat(), discriminator=discriminator)
        self.log.append(envelope, cause=cause.id)
        self.database.run(_ENQUEUE, id=envelope.id, source=envelope.source)
        self.envelopes.append(envelope)
        return envelope.id


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresChanges:
    """Changes over the tables events and event_outbox."""

    database: Postgres
    log: EventLog
    sink: EventSink
    clock: Clock

    @contextmanager
    def begin(self) -> Iterator[PostgresChange]:
        """Begin a change; see Changes."""
        change = PostgresChange(database=self.database, log=self.log, clock=self.clock)
        with self.database.transaction():
            yield change
        for envelope in change.envelopes:
            change.queued |= not self._sent(envelope)

    def _sent(self, envelope: Envelope) -> bool:
        try:
            self.sink.resend(envelope)
            self.database.run(_PUBLISHED, id=envelope.id)
        except SlipwayError as error:
            _log.warning("event %s stays in the outbox: %s", envelope.id, error)
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventOutbox:
    """EventOutbox over the table event_outbox."""

    database: Postgres

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Lease unpublished events; see EventOutbox."""
        rows = self.database.run(_CLAIM, seconds=older_than.total_seconds(), limit=limit)
        return tuple(from_json(body) for _, body in sorted(rows))

    def mark_published(self, event_id: str) -> None:
        """Forget an event that the broker has; see EventOutbox."""
        self.database.run(_PUBLISHED, id=event_id)
