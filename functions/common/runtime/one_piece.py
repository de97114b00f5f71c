"""How answers leave a function: head and body as one piece.

Gunicorn writes an answer's head, then its body: two system calls, at each of which all threads fight anew for the
interpreter, and two packets that wake whoever reads them. It also sets the time limit of a connection four times for
each request, mostly to what it was: four more such calls.
"""

import socket
from contextlib import suppress
from typing import Any, Self


class OnePieceSocket(socket.socket):
    """A connection that keeps the head of an answer back until its body comes, or the answer ends without one.

    Its time limit is what was set last, and comes into force when it is needed.
    """

    _head: bytes = b""
    _limit: float | None = None

    @classmethod
    def of(cls, connection: socket.socket) -> Self:
        """Return the same connection, which the given object has no more."""
        limit = connection.gettimeout()
        taken = cls(fileno=connection.detach())
        super(cls, taken).settimeout(limit)  # a new object takes it for one without
        taken.settimeout(limit)
        return taken

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive, within the time limit."""
        self._enforce_limit()
        return super().recv(size, flags)

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override] # gunicorn sends bytes
        """Send, but keep a head back that announces a body."""
        if self._head:
            data, self._head = self._head + data, b""
        elif _announces_a_body(data):
            self._head = data
            return
        self._enforce_limit()
        super().sendall(data, flags)

    def gettimeout(self) -> float | None:
        """Return the time limit, in seconds."""
        return self._limit

    def settimeout(self, value: float | None, /) -> None:
        """Set the time limit for what comes next."""
        self._limit = value

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as the overridden method has it
        """Set it for what comes next; gunicorn does between answers, and one to HEAD had no body."""
        self.flush()
        self._limit = None if flag else 0.0

    def _enforce_limit(self) -> None:
        if super().gettimeout() != self._limit:
            super().settimeout(self._limit)

    def shutdown(self, how: int, /) -> None:
        """End the answer, and the connection."""
        self.flush()
        super().shutdown(how)

    def sendfile(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - as the overridden method has it
        """Send a body from a file."""
        self.flush()
        self._enforce_limit()
        return super().sendfile(*args, **kwargs)

    def flush(self) -> None:
        """Send what is kept back: the answer has ended."""
        head, self._head = self._head, b""
        if head:
            self._enforce_limit()
            with suppress(OSError):  # who asked is gone: gunicorn finds out by itself
                super().sendall(head)


def _announces_a_body(data: bytes) -> bool:
    return (
        data.startswith(b"HTTP/1")
        and data.endswith(b"\r\n\r\n")
        and b"\r\nContent-Length: " in data
        and b"\r\nContent-Length: 0\r\n" not in data
    )
