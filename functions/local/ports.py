"""TCP ports of this machine: which are free, and which this user's Slipways keep for themselves."""

import fcntl
import os
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_RANGE = range(20_000, 32_000)  # below the ports that systems choose for outgoing connections
_ATTEMPTS = 500


class PortReservations:
    """Ports held by this process: no other Slipway of this user takes them, even before anything listens there.

    Each costs an open file.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"slipway-ports-{os.getuid()}"
        self._held: dict[int, IO[str]] = {}
        self._lock = threading.Lock()

    def take(self, wanted: int = 0) -> int:
        """Reserve the wanted port, or any free one when that is taken or 0. Raises OSError when none is free."""
        with self._lock:
            if wanted and self._reserve(wanted):
                return wanted
            for _ in range(_ATTEMPTS):
                port = random.choice(_RANGE)  # noqa: S311 - no secret
                if port not in self._held and self._reserve(port):
                    return port
        msg = "no free port was found"
        raise OSError(msg)

    def hold(self, port: int) -> None:
        """Reserve a port at which a process of this Slipway may listen already; in vain where another one holds it."""
        with self._lock:
            if port not in self._held and (file := self._locked(port)):
                self._held[port] = file

    def release(self, *ports: int) -> None:
        """Release these ports, without any all of them."""
        with self._lock:
            for port in ports or tuple(self._held):
                if file := self._held.pop(port, None):
                    with suppress(OSError):
                        Path(file.name).unlink()
                    file.close()

    def _reserve(self, port: int) -> bool:
        if port in self._held:
            return _is_free(port)
        file = self._locked(port)
        if file is None:
            return False
        if not _is_free(port):
            file.close()
            return False
        self._held[port] = file
        return True

    def _locked(self, port: int) -> IO[str] | None:
        """Return the locked file of a port, or None when another process has locked it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = (self._folder / str(port)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if not os.fstat(file.fileno()).st_nlink:  # it was released, and so deleted, between these two calls
            file.close()
            return None
        return file


@contextmanager
def port_reservations() -> Iterator[PortReservations]:
    """Release at the end of the block what was reserved in it."""
    reservations = PortReservations()
    try:
        yield reservations
    finally:
        reservations.release()


def _is_free(port: int) -> bool:
    return _can_bind(socket.AF_INET, "", port) and (not _has_ipv6() or _can_bind(socket.AF_INET6, "::", port))


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True


def _has_ipv6() -> bool:
    return _can_bind(socket.AF_INET6, "::1", 0)
