"""Opens connections to PostgreSQL: when one is needed, or ahead of the first need."""

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from functions.common.adapters.ahead import ahead
from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.adapters.postgres_socket import PostgresSocket

if TYPE_CHECKING:
    from pg8000.native import Connection

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
# What the server is asked for itself: a client that vanished without a word (a node that died) must not hold its
# locks for the two hours that TCP would give it; within a minute the server knows, and lets them go.
_SESSION = f"""
set statement_timeout = '{STATEMENT_SECONDS}s';
set idle_in_transaction_session_timeout = '60s';
set tcp_keepalives_idle = 30;
set tcp_keepalives_interval = 10;
set tcp_keepalives_count = 3;
"""


def connect(url: str) -> "Connection":
    """Return a new connection. Raises what pg8000 and sockets raise."""
    with IMPORT_LOCK:
        from pg8000.native import Connection  # noqa: PLC0415 - it costs 80 ms to import

    parts = urlsplit(url)
    address = (parts.hostname or "localhost", parts.port or 5432)
    wire = PostgresSocket.connected(address, timeout=CONNECT_SECONDS + STATEMENT_SECONDS)
    connection = Connection(
        unquote(parts.username or "postgres"),
        password=unquote(parts.password or "") or None,
        host=address[0],
        sock=wire,
        database=parts.path.lstrip("/") or "postgres",
        application_name="slipway",
    )
    connection.run(_SESSION)
    return connection


class Connections:
    """The connections to one URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ahead = list[Future["Connection"]]()

    def open_ahead(self) -> None:
        """Open one in a moment, for whoever comes first after that."""
        opened = Future["Connection"]()
        self._ahead.append(opened)
        ahead(partial(self._open, opened))

    def take(self) -> "Connection":
        """Return the one that is opened ahead, or a new one when nobody has begun to. Raises as `connect` does."""
        try:
            opened = self._ahead.pop()
        except IndexError:
            return connect(self._url)
        if opened.cancel() or opened.exception():
            return connect(self._url)
        return opened.result()

    def _open(self, opened: "Future[Connection]") -> None:
        if not opened.set_running_or_notify_cancel():
            return
        try:
            opened.set_result(connect(self._url))
        except Exception as error:  # noqa: BLE001 - who takes it tries again, and tells
            opened.set_exception(error)
