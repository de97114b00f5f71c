"""Processes under measurement: started, asked until they answer, ended."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.patience import patient

_PATIENCE = 30.0
_STEP = 0.002


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> Callable[[], bool]:
    """Return a check for a TCP server."""

    def check() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return check


def first_answer(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, request: bytes, status: int
) -> float:
    """Start a server, send it one request as soon as it listens, end it; return the milliseconds to the answer."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        env=dict(environment),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer = _ask(port, request)
        milliseconds = (time.perf_counter() - started) * 1000
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if int(answer[9:12] or 0) != status:
        msg = f"{environment.get('FUNCTION_TARGET')} answers {answer[:200]!r}, not {status}"
        raise RuntimeError(msg)
    return milliseconds


def _ask(port: int, request: bytes) -> bytes:
    deadline = time.monotonic() + patient(_PATIENCE)
    while time.monotonic() < deadline:
        with socket.socket() as wire:
            wire.settimeout(patient(_PATIENCE))
            if wire.connect_ex(("127.0.0.1", port)) == 0:
                wire.sendall(request)
                return wire.recv(4096)
        time.sleep(_STEP)
    return b""
