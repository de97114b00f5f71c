"""Processes under measurement: found in /proc, or started and asked until they answer."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 30.0
_STEP = 0.002
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of /proc."""

    pid: int
    parent: int
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path

    def memory(self, name: str) -> float:
        """Return a figure of its memory in MB: `Rss`, or `Pss`, in which shared pages count in proportion."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The time from the start of a server to its first answer, and the processor time of all its processes."""

    milliseconds: float
    cpu_milliseconds: float


def processes() -> Iterator[Process]:
    """Yield all processes of this machine whose environment can be read."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended, or is another account's
                yield Process(
                    pid=int(folder.name),
                    parent=int(_stat(int(folder.name))[1]),
                    command=tuple((folder / "cmdline").read_text(errors="replace").split("\0")[:-1]),
                    environment=_variables((folder / "environ").read_text(errors="replace")),
                    directory=(folder / "cwd").readlink(),
                )


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name of the program."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _variables(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (one.partition("=") for one in text.split("\0") if one)}


def free_port() -> int:
    """Return a port that is not in use."""
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
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    directory: Path,
    port: int,
    request: bytes,
    status: int,
) -> Start:
    """Start a server, send it one request as soon as it listens, and end it."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        env=dict(environment),
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer = _ask(port, request)
        seconds = time.perf_counter() - started
        used = sum(cpu_seconds(pid) for pid in _of_session(process.pid))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if int(answer[9:12] or 0) != status:
        msg = f"{environment.get('FUNCTION_TARGET')} answers {answer[:200]!r}, not {status}"
        raise RuntimeError(msg)
    return Start(milliseconds=seconds * 1000, cpu_milliseconds=used * 1000)


def _of_session(session: int) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if int(_stat(int(folder.name))[3]) == session:
                    yield int(folder.name)


def _ask(port: int, request: bytes) -> bytes:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as client:
            client.settimeout(_PATIENCE)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                client.sendall(request)
                return client.recv(4096)
        time.sleep(_STEP)
    return b""
