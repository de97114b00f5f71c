"""Free TCP ports of this machine."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_RANGE = range(20_000, 32_000)  # below the ports that systems choose for outgoing connections
_ATTEMPTS = 500


class PortReservations:
    """Ports held by this process: no other Slipway of this user takes them, even before anything listens there."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"slipway-ports-{os.getuid()}"
        self._held: list[IO[str]] = []

    def take(self, wanted: int = 0) -> int:
        """Reserve the wanted port, or any free one when that is taken or 0. Raises OSError when none is free."""
        if wanted and self._reserve(wanted):
            return wanted
        for _ in range(_ATTEMPTS):
            port = random.choice(_RANGE)  # noqa: S311 - no secret
            if self._reserve(port):
                return port
        msg = "no free port was found"
        raise OSError(msg)

    def release(self) -> None:
        """Release all ports."""
        for file in self._held:
            with suppress(OSError):
                Path(file.name).unlink()
            file.close()
        self._held.clear()

    def _reserve(self, port: int) -> bool:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = (self._folder / str(port)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        if not _is_free(port):
            file.close()
            return False
        self._held.append(file)
        return True


@contextmanager
def port_reservations() -> Iterator[PortReservations]:
    """Release at the end of the block what was reserved in it."""
    reservations = PortReservations()
    try:
        yield reservations
    finally:
        reservations.release()


def free_port(wanted: int = 0) -> int:
    """Return the wanted port, or any free one when that is taken or 0; it stays free until something listens there."""
    with port_reservations() as reservations:
        return reservations.take(wanted)


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
