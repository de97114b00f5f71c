"""The socket under pg8000: what one statement says goes out as one piece, and its answer comes as one.

pg8000 asks the server to answer each step of a statement at once (Flush), though it reads only after the
last (Sync), and its buffer cuts what is longer than 8 kB: the thread is woken for each piece.
"""

import io
import socket
from typing import Any, Self

from functions.common.adapters.broker.pipelined_http import limit_in_kernel

_FLUSH = b"H\x00\x00\x00\x04"  # protocol message, https://www.postgresql.org/docs/current/protocol-message-formats.html
_BUFFER_BYTES = 256 * 1024


class WholeStatements(socket.socket):
    """A socket whose file keeps writes until they are flushed."""

    def makefile(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the overridden method has it
        """Return the file that pg8000 reads and writes."""
        del args, kwargs  # pg8000 asks for nothing else
        raw = super().makefile(mode="rwb", buffering=0)
        return _WholeStatementsFile(raw, raw, _BUFFER_BYTES)

    def limit(self, seconds: float) -> None:
        """Let no call take longer than this; one that would raises TimeoutError."""
        self.settimeout(seconds)


class PostgresSocket(WholeStatements):
    """One without TLS."""

    @classmethod
    def connected(cls, address: tuple[str, int], *, timeout: float) -> Self:
        """Return one that is connected. Raises OSError."""
        wire = cls(fileno=socket.create_connection(address, timeout=timeout).detach())
        wire.settimeout(timeout)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return wire

    def limit(self, seconds: float) -> None:
        """Let no call take longer than this; one that would raises TimeoutError, or BlockingIOError when sending."""
        limit_in_kernel(self, seconds)

    def recv_into(self, *args: Any) -> int:  # noqa: ANN401 - as above
        """Receive; its file takes a BlockingIOError for the end."""
        try:
            return super().recv_into(*args)
        except BlockingIOError as error:
            raise TimeoutError from error


class _WholeStatementsFile(io.BufferedRWPair):
    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        return len(data) if data == _FLUSH else super().write(data)
