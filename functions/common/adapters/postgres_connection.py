"""Opens connections to PostgreSQL: when one is needed, or ahead of the first need."""

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from functions.common.adapters.ahead import ahead
from functions.common.adapters.import_lock import IMPORT_LOCK
from functions.common.adapters.postgres_socket import PostgresSocket, WholeStatements
from functions.common.adapters.postgres_url import PostgresUrl, SslMode
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    from pg8000.native import Connection

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


def connect(server: PostgresUrl) -> "Connection":
    """Return a new connection. Raises Unavailable, and what pg8000 and sockets raise."""
    with IMPORT_LOCK:
        from pg8000.native import Connection  # noqa: PLC0415 - it costs 80 ms to import

    wire = _wire(server)
    connection = Connection(
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
        from functions.common.adapters.postgres_tls import secured  # noqa: PLC0415 - who has no TLS needs none of it

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
            return connect(self._server)
        if opened.cancel() or opened.exception():
            return connect(self._server)
        return opened.result()

    def _open(self, opened: "Future[Connection]") -> None:
        if not opened.set_running_or_notify_cancel():
            return
        try:
            opened.set_result(connect(self._server))
        except Exception as error:  # noqa: BLE001 - who takes it tries again, and tells
            opened.set_exception(error)
