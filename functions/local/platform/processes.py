"""The processes of an instance, found by the mark in their environment: no daemon escapes by a new session."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

MARK = "SLIPWAY_LOCAL_MARK"
_PROC = Path("/proc")
_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02


def processes(mark: str) -> tuple[int, ...]:
    """Return the ids of the instance's living processes, without this one."""
    wanted = f"{MARK}={mark}".encode()
    found = _by_proc(wanted) if (_PROC / "self").exists() else _by_ps(wanted)
    return tuple(pid for pid in found if pid != os.getpid())


def end_processes(mark: str, *, patience: float = _PATIENCE_SECONDS) -> int:
    """Terminate them all, kill those that remain, and return how many there were."""
    found = processes(mark)
    alive = found
    for signal_number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _PATIENCE_SECONDS)):
        _send(alive, signal_number)
        deadline = time.monotonic() + seconds
        while alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            alive = processes(mark)
    return len(found)


def _send(pids: tuple[int, ...], signal_number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal_number)


def _by_proc(wanted: bytes) -> list[int]:
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):  # it ended, or belongs to another user
            if wanted in (folder / "environ").read_bytes().split(b"\0") and not _is_zombie(folder):
                found.append(int(folder.name))
    return found


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _by_ps(wanted: bytes) -> list[int]:
    listing = subprocess.run(["/bin/ps", "-axwwE", "-o", "pid=,command="], capture_output=True, check=False).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if wanted in line.split()]
