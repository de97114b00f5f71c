"""PostgreSQL through pg8000: one connection for each thread, opened when needed, replaced when broken."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from functions.common.adapters.lazy import lazy
from functions.common.adapters.postgres.tls import negotiate
from functions.common.adapters.postgres.url import PostgresUrl
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    from pg8000 import native as pg8000
else:  # 80 ms
    pg8000 = lazy("pg8000.native")

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
# The keepalives are the server's: without them the locks of a client that vanished (its node died) stay for two hours,
# TCP's own limit. With them the server notices within a minute.
_SESSION = f"""
set statement_timeout = '{STATEMENT_SECONDS}s';
set idle_in_transaction_session_timeout = '60s';
set tcp_keepalives_idle = 30;
set tcp_keepalives_interval = 10;
set tcp_keepalives_count = 3;
"""


def connect(server: PostgresUrl, wire: socket.socket | None = None) -> "pg8000.Connection":
    """Return a new connection, over its own wire unless one is given.

    Raises Unavailable, and what pg8000 and sockets raise.
    """
    wire = wire or open_wire(server)
    connection = pg8000.Connection(
        server.user,
        password=server.password or None,
        host=server.host,
        sock=wire,
        ssl_context=False,
        database=server.database,
        application_name="slipway",
    )
    wire.settimeout(CONNECT_SECONDS + STATEMENT_SECONDS)  # the server ends a statement earlier and reports it
    connection.run(_SESSION)
    return connection


def open_wire(server: PostgresUrl) -> socket.socket:
    """Return a socket to the server, with TLS as its URL says. Raises Unavailable, and what sockets raise."""
    plain = socket.create_connection((server.host, server.port), timeout=CONNECT_SECONDS)
    try:
        # pg8000 sends a statement of more than 8 kB in several writes: each would wait for the one before.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return negotiate(plain, server)
    except BaseException:
        plain.close()
        raise


class Connections:
    """Opens connections to one server; a thread that needs its own no longer may leave it to the next."""

    def __init__(self, url: str) -> None:
        """Raises Rejected when the URL cannot be read."""
        self._server = PostgresUrl.parse(url)
        self._left = list["pg8000.Connection"]()

    def take(self) -> "pg8000.Connection":
        """Return a connection that was left, or a new one. Raises as `connect` does."""
        try:
            return self._left.pop()
        except IndexError:
            return connect(self._server)

    def leave(self, connection: "pg8000.Connection") -> None:
        """Keep a connection for the next call of `take`."""
        self._left.append(connection)


# Errors of PostgreSQL, by SQLSTATE: the five-character code that it sends with each.

UNIQUE_VIOLATION = "23505"
FOREIGN_KEY_VIOLATION = "23503"
UNDEFINED_TABLE = "42P01"


def sqlstate(error: Exception) -> str:
    """Return the SQLSTATE of an error from pg8000, empty when it has none."""
    return _field(error, "C")


def is_outdated_plan(error: Exception) -> bool:
    """Whether the columns of a prepared statement have changed since; a new connection prepares it again."""
    return _field(error, "R") == "RevalidateCachedQuery"  # it has no SQLSTATE of its own


def _field(error: Exception, name: str) -> str:
    fields = error.args[0] if error.args else None
    return str(fields.get(name, "")) if isinstance(fields, dict) else ""


# SQLSTATE classes and codes after which the same statement may succeed: connection errors, serialization and deadlock,
# out of resources, shutdown and start-up, a transaction that was idle for too long, another connection by a pooler.
_TRANSIENT = ("08", "40", "53", "57P", "55P03", "25P03", "26000")
_REFUSED = ("28", "3D")  # wrong user, password or database name
# Severities after which the server closes the connection. The code may be any: on a full disk a server that was killed
# answers each new connection with FATAL and XX000, until it can write a file again.
_CLOSING = ("FATAL", "PANIC")


class Postgres:
    """Runs SQL with `:name` parameters; each connection prepares a statement once.

    Outside a transaction, a statement on a broken connection is repeated once on a new one, so such statements must be
    safe to repeat. Raises Unavailable when the server does not answer.
    """

    def __init__(self, url: str) -> None:
        self._connections = Connections(url)
        self._local = threading.local()

    def run(self, sql: str, **parameters: Any) -> list[list[Any]]:  # noqa: ANN401 - SQL values are of any type
        """Return the rows as lists."""
        if getattr(self._local, "depth", 0):
            return self._run(sql, parameters)[0]
        try:
            return self._run(sql, parameters)[0]
        except _BrokenConnectionError:
            return self._run(sql, parameters)[0]

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
        """Return the rows as dicts by column name."""
        try:
            rows, names = self._run(sql, parameters)
        except _BrokenConnectionError:
            if getattr(self._local, "depth", 0):
                raise
            rows, names = self._run(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def leave_connection(self) -> None:
        """Leave this thread's connection to the next thread that needs one."""
        connection, self._local.connection = getattr(self._local, "connection", None), None
        if connection is not None:
            self._connections.leave(connection)

    def ping(self) -> None:
        """Open this thread's connection, or check that it works."""
        self.run("select 1")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that runs inside, or nothing; a transaction inside another joins it."""
        if getattr(self._local, "depth", 0):
            yield
            return
        self.ping()  # replaces a connection that broke while it was idle
        self._local.depth = 1
        try:
            self._run("begin", {})
            yield
            self._run("commit", {})
        except BaseException:
            self._abandon()
            raise
        finally:
            self._local.depth = 0

    def close(self) -> None:
        """Close this thread's connection."""
        connection, self._local.connection = getattr(self._local, "connection", None), None
        if connection is not None:
            _close(connection)

    def _run(self, sql: str, parameters: dict[str, Any]) -> tuple[list[list[Any]], list[str]]:
        try:
            statement = self._prepared(sql)
            rows = statement.run(**parameters)
            return list(rows or []), [column["name"] for column in statement.columns or []]
        except Exception as error:
            failure, is_connected = _transient_failure(error), getattr(self._local, "connection", None) is not None
            if failure or not sqlstate(error):  # an error that is not the server's may leave its answer half read
                self.close()
            if sqlstate(error) == FOREIGN_KEY_VIOLATION:  # a repeat does not find the app any more
                msg = "the app was deleted at this moment: try again"
                raise Unavailable(msg) from error
            if failure:
                raise (_BrokenConnectionError if is_connected else Unavailable)(failure) from error
            raise

    def _prepared(self, sql: str) -> "pg8000.PreparedStatement":
        if getattr(self._local, "connection", None) is None:
            self._local.connection, self._local.statements = self._connections.take(), {}
        statements: dict[str, pg8000.PreparedStatement] = self._local.statements
        if sql not in statements:
            statements[sql] = self._local.connection.prepare(sql)
        return statements[sql]

    def _abandon(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            return
        try:
            connection.run("rollback")
        except Exception:  # noqa: BLE001 - a new connection replaces it, whatever is wrong
            self.close()


class _BrokenConnectionError(Unavailable):
    """The connection is broken; outside a transaction the statement is repeated once."""


def _transient_failure(error: Exception) -> str:
    """Return the error text for a failure that a later attempt may not have; empty for every other."""
    if (code := sqlstate(error)).startswith(_TRANSIENT) or is_outdated_plan(error):
        return f"PostgreSQL cannot do it now ({code}); it is safe to try again"
    if code.startswith(_REFUSED):
        return f"PostgreSQL refuses the user, the password or the database of DATABASE_URL ({code}): check them"
    if _field(error, "V") in _CLOSING:
        return f"PostgreSQL closed the connection ({code}); it is safe to try again"
    if isinstance(error, pg8000.InterfaceError | OSError):
        return "PostgreSQL does not answer; check DATABASE_URL and the server"
    return ""


def _close(connection: "pg8000.Connection") -> None:
    with suppress(Exception):  # it may be broken already
        connection.close()
