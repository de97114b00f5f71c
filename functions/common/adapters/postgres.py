"""PostgreSQL through pg8000: one connection for each thread, opened when needed, replaced when broken."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.adapters.postgres_connection import Connections
from functions.common.adapters.sqlstate import FOREIGN_KEY_VIOLATION, is_outdated_plan, sqlstate
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    from pg8000.native import Connection, PreparedStatement

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

    def _prepared(self, sql: str) -> "PreparedStatement":
        if getattr(self._local, "connection", None) is None:
            self._local.connection, self._local.statements = self._connections.take(), {}
        statements: dict[str, PreparedStatement] = self._local.statements
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
    with IMPORT_LOCK:
        from pg8000.exceptions import InterfaceError  # noqa: PLC0415 - pg8000 costs 80 ms to import

    if (code := sqlstate(error)).startswith(_TRANSIENT) or is_outdated_plan(error):
        return f"PostgreSQL cannot do it now ({code}); it is safe to try again"
    if code.startswith(_REFUSED):
        return f"PostgreSQL refuses the user, the password or the database of DATABASE_URL ({code}): check them"
    return (
        "PostgreSQL does not answer; check DATABASE_URL and the server"
        if isinstance(error, InterfaceError | OSError)
        else ""
    )


def _close(connection: "Connection") -> None:
    with suppress(Exception):  # it may be broken: that is why it is closed
        connection.close()
