"""Waits until what was started answers."""

import http.client
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from functions.common.errors import Unavailable

Check = Callable[[], bool]

_STEP = 0.03
_ASK_SECONDS = 2.0


def wait_for(
    checks: Mapping[str, Callable[[], bool]], alive: Callable[[], None], *, seconds: float, logs: Path
) -> None:
    """Return when every check has said yes once. Raises Unavailable naming what does not answer, and its log.

    `alive` raises when waiting has no sense any more.
    """
    missing, deadline = dict(checks), time.monotonic() + seconds
    while missing:
        alive()
        for name in [name for name, check in missing.items() if check()]:
            del missing[name]
        if missing and time.monotonic() > deadline:
            names = ", ".join(f"{name} (see {logs / name}.log)" for name in missing)
            msg = f"not ready after {seconds:.0f} s: {names}"
            raise Unavailable(msg)
        time.sleep(_STEP if missing else 0)


def http_answers(port: int, path: str = "/healthz", *, below: int = 300) -> Check:
    """Return a check for an HTTP server that answers with a status under `below`."""

    def check() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < below
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def socket_answers(path: Path) -> Check:
    """Return a check for a unix socket that takes connections."""

    def check() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_ASK_SECONDS)
            return probe.connect_ex(str(path)) == 0

    return check


def does(action: Callable[[], object]) -> Check:
    """Return a check that says yes when the action goes through; only Unavailable means not yet."""

    def check() -> bool:
        try:
            action()
        except Unavailable:
            return False
        return True

    return check
