"""How answers leave a function: head and body as one piece.

Gunicorn writes an answer's head, then its body: two system calls, at each of which all threads fight anew for the
interpreter, and two packets that wake whoever reads them.
"""

import socket
from contextlib import suppress
from typing import Any, Self


class OnePieceSocket(socket.socket):
    """A connection that keeps the head of an answer back until its body comes, or the answer ends without one."""

    _head: bytes = b""

    @classmethod
    def of(cls, connection: socket.socket) -> Self:
        """Return the same connection, which the given object has no more."""
        blocks = connection.getblocking()
        taken = cls(fileno=connection.detach())
        taken.setblocking(blocks)
        return taken

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override] # gunicorn sends bytes
        """Send, but keep a head back that announces a body."""
        if self._head:
            data, self._head = self._head + data, b""
        elif _announces_a_body(data):
            self._head = data
            return
        super().sendall(data, flags)

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as the overridden method has it
        """Set it; gunicorn does between answers, and one to HEAD had no body."""
        self.flush()
        super().setblocking(flag)

    def shutdown(self, how: int, /) -> None:
        """End the answer, and the connection."""
        self.flush()
        super().shutdown(how)

    def sendfile(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - as the overridden method has it
        """Send a body from a file."""
        self.flush()
        return super().sendfile(*args, **kwargs)

    def flush(self) -> None:
        """Send what is kept back: the answer has ended."""
        head, self._head = self._head, b""
        if head:
            with suppress(OSError):  # who asked is gone: gunicorn finds out by itself
                super().sendall(head)


def _announces_a_body(data: bytes) -> bool:
    return (
        data.startswith(b"HTTP/1")
        and data.endswith(b"\r\n\r\n")
        and b"\r\nContent-Length: " in data
        and b"\r\nContent-Length: 0\r\n" not in data
    )
