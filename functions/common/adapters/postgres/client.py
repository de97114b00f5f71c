"""PostgreSQL through pg8000: one connection for each thread, opened when needed, replaced when broken."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from functions.common.adapters.lazy import lazy, run_soon
from functions.common.adapters.postgres.socket import PostgresSocket, WholeStatements
from functions.common.adapters.postgres.url import PostgresUrl, SslMode
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    from pg8000 import native as pg8000
else:  # 80 ms
    pg8000 = lazy("pg8000.native")

# Opens connections to PostgreSQL: when one is needed, or ahead of the first need.

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
_SSL_REQUEST, _YES, _NO = b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S", b"N"  # the protocol's SSLRequest
# What the server is asked for itself: a client that vanished without a word (a node that died) must not hold its
# locks for the two hours that TCP would give it; within a minute the server knows, and lets them go.
_SESSION = f"""
set statement_timeout = '{STATEMENT_SECONDS}s';
set idle_in_transaction_session_timeout = '60s';
set tcp_keepalives_idle = 30;
set tcp_keepalives_interval = 10;
set tcp_keepalives_count = 3;
"""


def connect(server: PostgresUrl) -> "pg8000.Connection":
    """Return a new connection. Raises Unavailable, and what pg8000 and sockets raise."""
    wire = _wire(server)
    connection = pg8000.Connection(
        server.user,
        password=server.password or None,
        host=server.host,
        sock=wire,
        ssl_context=False,
        database=server.database,
        application_name="slipway",
    )
    wire.limit(CONNECT_SECONDS + STATEMENT_SECONDS)  # the server ends a statement before that, and says so
    connection.run(_SESSION)
    return connection


def _wire(server: PostgresUrl) -> WholeStatements:
    wire = PostgresSocket.connected((server.host, server.port), timeout=CONNECT_SECONDS)
    if server.ssl_mode is SslMode.DISABLE:
        return wire
    wire.sendall(_SSL_REQUEST)
    answer = wire.recv(1)
    if answer == _YES:
        from functions.common.adapters.postgres.tls import secured  # noqa: PLC0415 - who has no TLS needs none of it

        return secured(wire, server)
    if answer == _NO and server.ssl_mode is SslMode.PREFER:
        return wire
    wire.close()
    if answer != _NO:
        msg = "the server closed the connection, or has no room for it"
        raise ConnectionError(msg)
    msg = f"PostgreSQL at {server.host} offers no TLS, and DATABASE_URL asks for it: sslmode={server.ssl_mode}"
    raise Unavailable(msg)


class Connections:
    """The connections to one URL."""

    def __init__(self, url: str) -> None:
        """Raises Rejected when the URL cannot be read."""
        self._server = PostgresUrl.parse(url)
        self._ahead = list[Future["pg8000.Connection"]]()

    def open_ahead(self) -> None:
        """Open one in a moment, for whoever comes first after that."""
        opened = Future["pg8000.Connection"]()
        self._ahead.append(opened)
        run_soon(partial(self._open, opened))

    def take(self) -> "pg8000.Connection":
        """Return the one that is opened ahead, or a new one when nobody has begun to. Raises as `connect` does."""
        try:
            opened = self._ahead.pop()
        except IndexError:
            return connect(self._server)
        if opened.cancel() or opened.exception():
            return connect(self._server)
        return opened.result()

    def _open(self, opened: "Future[pg8000.Connection]") -> None:
        if not opened.set_running_or_notify_cancel():
            return
        try:
            opened.set_result(connect(self._server))
        except Exception as error:  # noqa: BLE001 - who takes it tries again, and tells
            opened.set_exception(error)


# What PostgreSQL says went wrong, as its five-character code.

UNIQUE_VIOLATION = "23505"
FOREIGN_KEY_VIOLATION = "23503"


def sqlstate(error: Exception) -> str:
    """Return the SQLSTATE of an error of pg8000, empty when it carries none."""
    return _field(error, "C")


def is_outdated_plan(error: Exception) -> bool:
    """Whether a prepared statement's columns were changed since; on a new connection it is prepared anew."""
    return _field(error, "R") == "RevalidateCachedQuery"  # it has no SQLSTATE of its own


def _field(error: Exception, name: str) -> str:
    fields = error.args[0] if error.args else None
    return str(fields.get(name, "")) if isinstance(fields, dict) else ""


# SQLSTATE classes and codes after which the same statement may succeed: connection trouble,
# serialization and deadlock, out of resources, shutdown and start-up, a transaction that stood idle for too long,
# a pooler that gave us another connection.
_TRANSIENT = ("08", "40", "53", "57P", "55P03", "25P03", "26000")
_REFUSED = ("28", "3D")  # the user or the password, the database: mended where they are, not here


class Postgres:
    """Runs SQL with `:name` parameters; statements are prepared once for each connection.

    Outside a transaction a statement that meets a broken connection is run once more on a new one,
    so such statements must be safe to repeat. Raises Unavailable when the server does not answer.
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

    def open_ahead(self) -> None:
        """Begin to open a connection: the first thread that needs one finds it open."""
        self._connections.open_ahead()

    def ping(self) -> None:
        """Open this thread's connection, or see that it is there."""
        self.run("select 1")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is run inside, or nothing of it; a transaction inside another joins it."""
        if getattr(self._local, "depth", 0):
            yield
            return
        self.ping()  # a connection that broke while idle is replaced here, not in the middle
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
            trouble, is_connected = _trouble(error), getattr(self._local, "connection", None) is not None
            if trouble or not sqlstate(error):  # what is no error of the server's may have left its answer half read
                self.close()
            if sqlstate(error) == FOREIGN_KEY_VIOLATION:  # asked again, whoever looks it up finds it gone
                msg = "the app was deleted at this moment: try again"
                raise Unavailable(msg) from error
            if trouble:
                raise (_BrokenConnectionError if is_connected else Unavailable)(trouble) from error
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
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new connection mends it
            self.close()


class _BrokenConnectionError(Unavailable):
    """The connection is gone or was given up; outside a transaction one repeat is in order."""


def _trouble(error: Exception) -> str:
    """Return what a new connection may mend, empty when none would."""
    if (code := sqlstate(error)).startswith(_TRANSIENT) or is_outdated_plan(error):
        return f"PostgreSQL cannot do it now ({code}); it is safe to try again"
    if code.startswith(_REFUSED):
        return f"PostgreSQL refuses the user, the password or the database of DATABASE_URL ({code}): check them"
    return (
        "PostgreSQL does not answer; check DATABASE_URL and the server"
        if isinstance(error, pg8000.InterfaceError | OSError)
        else ""
    )


def _close(connection: "pg8000.Connection") -> None:
    with suppress(Exception):  # it may be broken: that is why it is closed
        connection.close()
