"""HTTP/1.1 as bytes, so that it can be wrong, and what is answered to it."""

import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.attacks.events import Case

CLOSED, SILENT = 0, -1
_LARGEST_READ = 65536
# Not a version that a text quotes from the request.
_STATUS_LINE = re.compile(rb"(?:^|[^'\"(/])HTTP/1\.[01] ([1-5]\d\d) [A-Z]")


@dataclass(frozen=True, slots=True)
class Heard:
    """The statuses of all answers; none when the connection was closed without one. `is_silent`: nothing in time."""

    statuses: tuple[int, ...]
    is_silent: bool = False

    @property
    def status(self) -> int:
        """The first status, CLOSED or SILENT."""
        if self.statuses:
            return self.statuses[0]
        return SILENT if self.is_silent else CLOSED


def request(headers: Iterable[tuple[str, str]], body: bytes, *, method: str = "POST", path: str = "/") -> bytes:
    """Return a request that ends its connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def case_request(case: Case, path: str = "/") -> bytes:
    """Return the request of an event."""
    return request(case.headers, case.body, path=path)


def send(port: int, sent: bytes, *, within: float) -> Heard:
    """Send bytes and return what is answered until the connection ends, or nothing comes any more."""
    got, is_silent = b"", False
    with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
        try:
            connection.sendall(sent)
            while part := connection.recv(_LARGEST_READ):
                got += part
        except TimeoutError:
            is_silent = True
        except OSError:
            pass  # reset: what was answered before that counts
    return Heard(statuses=_statuses(got), is_silent=is_silent)


def send_and_end(port: int, sent: bytes, *, within: float, pause: float = 0.5) -> Heard:
    """Do the same, but say that nothing more comes when nothing was answered for a while: some wait for that."""
    got, is_silent = b"", False
    with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
        try:
            connection.sendall(sent)
            for timeout in (pause, within):
                connection.settimeout(timeout)
                is_silent = True
                with suppress(TimeoutError):
                    while part := connection.recv(_LARGEST_READ):
                        got += part
                    is_silent = False
                    break
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            is_silent = False
    return Heard(statuses=_statuses(got), is_silent=is_silent)


def _statuses(got: bytes) -> tuple[int, ...]:
    return tuple(int(status) for status in _STATUS_LINE.findall(got))
