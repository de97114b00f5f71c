"""POST over one kept connection, pipelined: for the way that every webhook takes.

http.client sends head and body apart, reads the answer's head as an e-mail, and waits for one answer before it sends
the next request: a busy function spent a third of its time in it.
"""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# A time limit on a plain connection that the system keeps.
#
# Python's own limit polls before each call, and lets the interpreter go for that too: in a busy moment all other
# threads have it first. Not for TLS, which takes the end of such a limit for a reason to try again.


def limit_in_kernel(wire: socket.socket, seconds: float) -> None:
    """Let no call on the connection take longer than this; one that would ends with BlockingIOError."""
    wire.settimeout(None)
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))  # a timeval, see socket(7)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        wire.setsockopt(socket.SOL_SOCKET, option, limit)


# POST over one kept connection, for the way that every webhook takes: no more than HTTP/1.1 needs here.
#
# http.client sends head and body apart, reads the answer's head as an e-mail, and waits for one answer
# before it sends the next request: a busy function spent a third of its time in it.

_PORTS = {"http": 80, "https": 443}
_MAX_HEAD = 65536
_END = b"\r\n\r\n"


@dataclass(slots=True, kw_only=True)
class KeptPost:
    """POSTs to one URL; for one thread. The connection is opened when needed and kept.

    Requests are sent without waiting for the answers in between: only for what may be repeated.
    `timed_out` tells whether the last exchange ended in silence.
    """

    url: str
    content_type: str
    timeout_seconds: float
    timed_out: bool = False
    _wire: socket.socket | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether a connection is kept, which the other side may have closed."""
        return self._wire is not None

    def send(self, bodies: Sequence[bytes]) -> None:
        """Send requests; whether that went well is told by `statuses`, to be called next."""
        self.timed_out = False
        try:
            wire = self._wire or self._connect()
            wire.sendall(b"".join(self._head(len(body)) + body for body in bodies))
        except OSError as error:
            self._broken(error)

    def statuses(self, count: int) -> list[int]:
        """Return the statuses of the answers to `count` requests, in order; fewer when the connection broke."""
        found, rest = list[int](), b""
        try:
            while self._wire is not None and len(found) < count:
                status, rest, keep = _read_answer(self._wire, rest)
                found.append(status)
                if not keep:
                    self.close()
        except OSError as error:
            self._broken(error)
        return found

    def close(self) -> None:
        """Close the connection, if there is one."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with suppress(OSError):
                wire.close()

    def _broken(self, error: OSError) -> None:
        self.timed_out = isinstance(error, TimeoutError | BlockingIOError)
        self.close()

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        wire = socket.create_connection((host, parts.port or _PORTS[parts.scheme]), timeout=self.timeout_seconds)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            import ssl  # noqa: PLC0415 - it costs a cold start more than all the rest here

            wire = ssl.create_default_context().wrap_socket(wire, server_hostname=host)
        else:
            limit_in_kernel(wire, self.timeout_seconds)
        self._wire = wire
        return wire

    def _head(self, length: int) -> bytes:
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {length}\r\n\r\n"
        ).encode("latin-1")


def _read_answer(wire: socket.socket, got: bytes) -> tuple[int, bytes, bool]:
    """Return the status, what came after the answer, and whether the connection stays: when a length was said."""
    while True:
        while _END not in got:
            got = _receive(wire, got)
        head, _, got = got.partition(_END)
        lines = head.split(b"\r\n")
        status = _status(lines[0])
        if status >= 200:  # noqa: PLR2004 - what comes before, such as 100 Continue, is no answer
            break
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    said = fields.get(b"content-length", b"")
    keep = said.isdigit() and fields.get(b"connection", b"").lower() != b"close" and lines[0].startswith(b"HTTP/1.1")
    length = int(said) if keep else 0
    while len(got) < length:
        got = _receive(wire, got)
    return status, got[length:], keep


def _receive(wire: socket.socket, so_far: bytes) -> bytes:
    more = wire.recv(_MAX_HEAD)
    if not more or len(so_far) > _MAX_HEAD:
        msg = "the other side closed the connection, or its answer has no end"
        raise ConnectionError(msg)
    return so_far + more


def _status(line: bytes) -> int:
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():  # noqa: PLR2004 - as HTTP has it
        msg = "the other side does not speak HTTP/1.1"
        raise ConnectionError(msg)
    return int(parts[1])
