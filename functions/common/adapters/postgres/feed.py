"""The feed over LISTEN and NOTIFY: one connection for all who watch."""

import io
import json
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from functions.common.adapters.postgres.client import Postgres, connect, open_wire
from functions.common.adapters.postgres.url import PostgresUrl
from functions.common.errors import Unavailable
from functions.common.events.envelope import from_json
from functions.common.ports.feed import AccessChanged, FedEvent, Notice, Notices, RunningBuild

_EVENTS, _ACCESS = "slipway_events", "slipway_access"
_QUIET_SECONDS = 10.0
_MOST = 100  # pg8000 keeps so many notices
# Events are announced while this row says so: see the migration 0011.
_WATCH = """
insert into event_watch (until) values (now() + interval '1 minute')
on conflict (only_row) do update set until = excluded.until
"""
_COLUMNS = "sequence, body, recorded_at as at, '' as error, '' as subscriber"
_LETTERS = "0::bigint as sequence, body, parked_at as at, coalesce(nullif(error, ''), 'answered ' || code), subscriber"
_LOAD = f"""
select {_COLUMNS} from events where sequence = any(cast(:events as bigint[]))
union all select {_LETTERS} from dead_letters where id = any(cast(:letters as bigint[]))
order by 3, 1
"""  # noqa: S608 - constants
_RECENT = f"""
select {_COLUMNS} from events
where sequence > (select coalesce(max(sequence), 0) - 1000 from events)
    and recorded_at > now() - make_interval(secs => :seconds)
order by 1
"""  # noqa: S608 - as above
_OF_PUSH = f"""
select {_COLUMNS} from events
where push = :push and (sequence > :after or recorded_at > now() - interval '1 minute')
union all select {_LETTERS} from dead_letters where push = :push
order by 3, 1 limit 500
"""  # noqa: S608 - as above
_RUNNING = "select name, app, push from builds where push = :push and state = 'running' order by name"
_APPS = "select app from pushes where id = :push and app <> '' order by app"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEventFeed:
    """EventFeed over the tables events and dead_letters."""

    database: Postgres
    url: str

    def watch(self) -> Generator[Notices, None, None]:
        """Yield notices; see EventFeed."""
        server = PostgresUrl.parse(self.url)
        try:
            wire = open_wire(server)
            with closing(connect(server, cast("socket.socket", _Unbuffered(wire)))) as connection:
                connection.run(f"listen {_EVENTS}")
                connection.run(f"listen {_ACCESS}")
                renewed = -_QUIET_SECONDS
                while True:
                    if time.monotonic() - renewed >= _QUIET_SECONDS:
                        connection.run(_WATCH)
                        renewed = time.monotonic()
                    yield _taken(connection.notifications)
                    if _is_readable(wire):
                        connection.run("select 1")  # reads what has arrived
        except Unavailable:
            raise
        except Exception as error:  # pg8000 and sockets have many for a connection that broke
            msg = f"PostgreSQL does not announce events any more ({type(error).__name__})"
            raise Unavailable(msg) from error

    def load(self, notices: Sequence[Notice]) -> tuple[FedEvent, ...]:
        """Return the events of notices; see EventFeed."""
        numbers = {table: [one.number for one in notices if one.table == table] for table in ("events", "dead_letters")}
        return self._events(_LOAD, events=numbers["events"], letters=numbers["dead_letters"])

    def recent(self, *, seconds: float) -> tuple[FedEvent, ...]:
        """Return the newest events; see EventFeed."""
        return self._events(_RECENT, seconds=seconds)

    def of_push(self, push: str, *, after: int) -> tuple[FedEvent, ...]:
        """Return the events of a push; see EventFeed."""
        return self._events(_OF_PUSH, push=push, after=after)

    def running_builds(self, push: str) -> tuple[RunningBuild, ...]:
        """Return the running builds of a push; see EventFeed."""
        return tuple(RunningBuild(**row) for row in self.database.rows(_RUNNING, push=push))

    def apps_of(self, push: str) -> tuple[str, ...]:
        """Return the apps of a push; see EventFeed."""
        return tuple(row[0] for row in self.database.run(_APPS, push=push))

    def _events(self, sql: str, **parameters: Any) -> tuple[FedEvent, ...]:  # noqa: ANN401 - SQL values
        return tuple(_event(*row) for row in self.database.run(sql, **parameters))


class _Unbuffered:
    """A socket whose file reads no more than it is asked for, so that `select` sees all that is still to be read."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def makefile(self, *, mode: str) -> io.RawIOBase:
        """Return the file that pg8000 reads and writes."""
        del mode
        return self._wire.makefile("rwb", buffering=0)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._wire, name)


def _is_readable(wire: socket.socket) -> bool:
    """Wait until something has arrived; False when it was quiet for a while."""
    if isinstance(wire, ssl.SSLSocket) and wire.pending():
        return True
    return bool(select.select([wire], [], [], _QUIET_SECONDS)[0])


def _taken(kept: deque[tuple[int, str, str]]) -> Notices:
    if len(kept) >= _MOST:
        msg = "events arrive faster than they are read"
        raise Unavailable(msg)
    taken = [_notice(channel, payload) for _, channel, payload in kept]
    kept.clear()
    return taken


def _notice(channel: str, payload: str) -> Notice | AccessChanged:
    return AccessChanged(user=payload) if channel == _ACCESS else Notice(**json.loads(payload))


def _event(sequence: int, body: str, at: datetime, error: str, subscriber: str) -> FedEvent:
    envelope = from_json(body)
    return FedEvent(
        sequence=sequence,
        id=envelope.id,
        type=envelope.type,
        app=envelope.extensions.get("slipwayapp", ""),
        push=envelope.extensions.get("slipwaypush", ""),
        at=at,
        data=envelope.data,
        error=error,
        subscriber=subscriber,
    )
