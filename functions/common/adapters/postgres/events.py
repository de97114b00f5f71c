"""The event log, changes with their events, the outbox and dead letters."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.app import EVERYTHING, Visibility
from functions.common.errors import SlipwayError
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.envelope import Envelope, envelop, from_json
from functions.common.ports.clock import Clock
from functions.common.ports.events import DeadLetter, EventLog, EventRecord, EventSink, ParkedEvent

# The first event of a push is in its delivery.
_APPEND = """
insert into events (id, source, type, subject, app, environment, push, cause, body)
values (:id, :source, :type, :subject, :app, :environment, :push, :cause, :body)
on conflict do nothing
"""
_FIND_EVENT = """
select body from events where id = :id
union all select event from webhook_deliveries where event_id = :id and event is not null
"""
_REJECT = """
insert into event_rejections (event_id, source, function, reason) values (:id, :source, :function, :reason)
on conflict (event_id, source, function) do update set reason = excluded.reason, rejected_at = now()
"""
_REJECTIONS = "select function, reason from event_rejections where event_id = :id and source = :source"
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

    def find(self, event_id: str, *, source: str = "") -> Envelope | None:
        """Return the event with this id; see EventLog."""
        found = (from_json(row[0]) for row in self.database.run(_FIND_EVENT, id=event_id))
        return next((event for event in found if source in {"", event.source}), None)

    def reject(self, envelope: Envelope, *, function: str, reason: str) -> None:
        """Record that a function rejected an event; see EventLog."""
        self.database.run(_REJECT, id=envelope.id, source=envelope.source, function=function, reason=reason)

    def rejections(self, envelope: Envelope) -> Mapping[str, str]:
        """Return the functions that rejected an event; see EventLog."""
        rows = self.database.run(_REJECTIONS, id=envelope.id, source=envelope.source)
        return dict(rows)

    def of_push(self, push: str) -> tuple[Envelope, ...]:
        """Return a push's events; see EventLog."""
        return tuple(from_json(row[0]) for row in self.database.run(_OF_PUSH, push=push))


_PAGE_EVENTS = """
select sequence, id, source, type, subject, push, cause, recorded_at from events
where {where} sequence > :after order by sequence limit :limit
"""
_PAGE_BACK = """
select sequence, id, source, type, subject, push, cause, recorded_at from events
where {where} (:before::bigint = 0 or sequence < :before::bigint) order by sequence desc limit :limit
"""
_RECORDED_AT = "select min(recorded_at) from events where id = :id"
# What an earlier app of the same name left is not the members' own.
VISIBLE = """
(:only::text = '' or app = :only::text) and (:user::text = '' or exists
    (select 1 from app_members as m join projects as p on p.name = m.app
     where m.app = {table}.app and m.user_id = nullif(:user::text, '')::uuid and {table}.{time} >= p.created_at))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventArchive:
    """EventArchive over the table events."""

    database: Postgres

    def page(
        self, *, push: str, app: str, after: int, limit: int, visible: Visibility = EVERYTHING
    ) -> tuple[EventRecord, ...]:
        """Return a page of events; see EventArchive."""
        return self._page(_PAGE_EVENTS, {"push": push, "app": app}, visible, after=after, limit=limit)

    def page_back(
        self, *, push: str, app: str, before: int, limit: int, visible: Visibility = EVERYTHING
    ) -> tuple[EventRecord, ...]:
        """Return a page of events, newest first; see EventArchive."""
        return self._page(_PAGE_BACK, {"push": push, "app": app}, visible, before=before, limit=limit)

    def recorded_at(self, event_id: str) -> datetime | None:
        """Return when an event was recorded; see EventArchive."""
        found: datetime | None = self.database.run(_RECORDED_AT, id=event_id)[0][0]
        return found

    def _page(self, sql: str, of: Mapping[str, str], visible: Visibility, **numbers: int) -> tuple[EventRecord, ...]:
        wanted = {name: value for name, value in of.items() if value}
        where = "".join(f"{name} = :{name} and " for name in wanted)
        if visible != EVERYTHING:
            where += VISIBLE.format(table="events", time="recorded_at") + " and "
            wanted |= {"user": visible.user, "only": visible.app}
        return tuple(EventRecord(**row) for row in self.database.rows(sql.format(where=where), **numbers, **wanted))


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
    """Change: envelopes are recorded when they are announced, and sent after the commit."""

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
        """Start a change; see Changes."""
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
        """Delete an event that the broker has; see EventOutbox."""
        self.database.run(_PUBLISHED, id=event_id)


_PARK = """
insert into dead_letters (event_id, source, type, app, push, subscriber, code, error, body)
values (:event_id, :source, :type, :app, :push, :subscriber, :code, :error, :body)
on conflict (event_id, source, subscriber) where state = 'parked' do nothing
returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDeadLetters:
    """DeadLetters over the table dead_letters."""

    database: Postgres

    def park(self, letter: DeadLetter) -> bool:
        """Store a letter once; see DeadLetters."""
        event = letter.event
        rows = self.database.run(
            _PARK,
            event_id=event.id,
            source=event.source,
            type=event.type,
            app=event.extensions.get("slipwayapp", ""),
            push=event.extensions.get("slipwaypush", ""),
            subscriber=letter.subscriber,
            code=letter.code,
            error=letter.error,
            body=event.to_json(),
        )
        return bool(rows)


# Dead letters in the table dead_letters, for looking at and settling.

_SELECT = """
select id, body, app, push, subscriber, code, error, state, parked_at, ended_at from dead_letters
"""
_PAGE_PARKED = (
    _SELECT
    + """
where (:state = '' or state = :state) and (:before::bigint = 0 or id < :before::bigint) and """
    + VISIBLE.format(table="dead_letters", time="parked_at")
    + """
order by id desc limit :limit
"""
)
_FIND_PARKED = _SELECT + "where id = :id"
_CLOSE = """
update dead_letters set state = :state, ended_at = now() where id = :id and state = 'parked' returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresParkedEvents:
    """ParkedEvents over the table dead_letters."""

    database: Postgres

    def page(self, *, state: str, before: int, limit: int, visible: Visibility = EVERYTHING) -> tuple[ParkedEvent, ...]:
        """Return a page of dead letters; see ParkedEvents."""
        of = {"user": visible.user, "only": visible.app}
        rows = self.database.rows(_PAGE_PARKED, state=state, before=before, limit=limit, **of)
        return tuple(_parked(row) for row in rows)

    def find(self, number: int) -> ParkedEvent | None:
        """Return one dead letter; see ParkedEvents."""
        rows = self.database.rows(_FIND_PARKED, id=number)
        return _parked(rows[0]) if rows else None

    def close(self, number: int, state: str) -> bool:
        """Set the final state of a parked event; see ParkedEvents."""
        return bool(self.database.run(_CLOSE, id=number, state=state))


def _parked(row: dict[str, Any]) -> ParkedEvent:
    body = row.pop("body")
    return ParkedEvent(event=from_json(body), **row)
