"""POST over one kept connection, pipelined: how every event of a webhook reaches the broker.

http.client sends head and body apart, parses the head of an answer as an e-mail, and waits for each answer before it
sends the next request. verify-webhook spent a third of its CPU time in it when it was busy.
"""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_MAX_HEAD = 65536
_END = b"\r\n\r\n"


@dataclass(slots=True, kw_only=True)
class PipelinedPost:
    """POSTs to one URL, for one thread; opens its connection when needed and keeps it.

    All requests are sent before the first answer is read, so they must be safe to repeat. `timed_out` says whether the
    last exchange ended by the time limit.
    """

    url: str
    content_type: str
    timeout_seconds: float
    timed_out: bool = False
    _wire: socket.socket | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; the server may have closed it."""
        return self._wire is not None

    def send(self, bodies: Sequence[bytes], *, token: str = "") -> None:
        """Send requests, with a bearer token if one is given; call `statuses` next, which reports failures too."""
        self.timed_out = False
        try:
            wire = self._wire or self._connect()
            wire.sendall(b"".join(self._head(len(body), token) + body for body in bodies))
        except OSError as error:
            self._broken(error)

    def statuses(self, count: int) -> list[int]:
        """Return the statuses of `count` answers, in order; fewer when the connection broke."""
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
        self.timed_out = isinstance(error, TimeoutError)
        self.close()

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        wire = socket.create_connection((host, parts.port or _PORTS[parts.scheme]), timeout=self.timeout_seconds)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            import ssl  # noqa: PLC0415 - most brokers are plain HTTP inside the cluster

            wire = ssl.create_default_context().wrap_socket(wire, server_hostname=host)
        self._wire = wire
        return wire

    def _head(self, length: int, token: str) -> bytes:
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        return (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n{authorization}"
            f"Content-Type: {self.content_type}\r\nContent-Length: {length}\r\n\r\n"
        ).encode("latin-1")


def _read_answer(wire: socket.socket, got: bytes) -> tuple[int, bytes, bool]:
    """Return the status, the bytes after the answer, and whether the connection can be used again."""
    while True:
        while _END not in got:
            got = _receive(wire, got)
        head, _, got = got.partition(_END)
        lines = head.split(b"\r\n")
        status = _status(lines[0])
        if status >= 200:  # noqa: PLR2004 - an interim answer such as 100 Continue comes before the real one
            break
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    length = fields.get(b"content-length", b"")
    keep = length.isdigit() and fields.get(b"connection", b"").lower() != b"close" and lines[0].startswith(b"HTTP/1.1")
    size = int(length) if keep else 0
    while len(got) < size:
        got = _receive(wire, got)
    return status, got[size:], keep


def _receive(wire: socket.socket, so_far: bytes) -> bytes:
    more = wire.recv(_MAX_HEAD)
    if not more or len(so_far) > _MAX_HEAD:
        msg = "the server closed the connection, or its answer is too long"
        raise ConnectionError(msg)
    return so_far + more


def _status(line: bytes) -> int:
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():  # noqa: PLR2004 - as HTTP has it
        msg = "the answer is not HTTP/1.1"
        raise ConnectionError(msg)
    return int(parts[1])
