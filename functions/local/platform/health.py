"""Checks of whether a program is ready, and waiting for them."""

import http.client
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from functions.common.errors import Unavailable

Check = Callable[[], bool]
_POLL_SECONDS = 0.03
_TIMEOUT_SECONDS = 2.0
_READ_BACK_BYTES = 4096
_VERSION_BYTES = 8


def wait_until_ready(checks: Mapping[str, Check], alive: Callable[[], None], *, seconds: float, logs: Path) -> None:
    """Return when every check has succeeded once. Raises Unavailable naming the programs that are not ready.

    `alive` is called again and again, and raises when waiting makes no sense any more.
    """
    missing, deadline = dict(checks), time.monotonic() + seconds
    while missing:
        alive()
        for name in [name for name, check in missing.items() if check()]:
            del missing[name]
        if missing and time.monotonic() > deadline:
            found = "".join(f"\n  {name}: see {logs / name}.log{last_words(logs / f'{name}.log')}" for name in missing)
            msg = f"not ready after {seconds:.0f} s:{found}"
            raise Unavailable(msg)
        time.sleep(_POLL_SECONDS if missing else 0)


def last_words(log: Path) -> str:
    """Return the last line of a log as the end of a sentence; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ_BACK_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    words = [line.strip() for line in lines if line.strip()]
    return f", which ends with: {words[-1]}" if words else ""


def http_answers(port: int, path: str = "/healthz", *, below: int = 300) -> Check:
    """Return a check that an HTTP server answers with a status below `below`."""

    def check() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < below
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def socket_accepts(path: Path) -> Check:
    """Return a check that a unix socket accepts connections."""

    def check() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_TIMEOUT_SECONDS)
            return probe.connect_ex(str(path)) == 0

    return check


def ssh_answers(port: int) -> Check:
    """Return a check that an SSH server sends its version."""

    def check() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS) as probe:
                return probe.recv(_VERSION_BYTES) == b"SSH-2.0-"
        except OSError:
            return False

    return check


def succeeds(action: Callable[[], object]) -> Check:
    """Return a check that the action does not raise Unavailable; other errors pass through."""

    def check() -> bool:
        try:
            action()
        except Unavailable:
            return False
        return True

    return check
