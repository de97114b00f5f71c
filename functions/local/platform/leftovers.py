"""Processes of an instance, found by the mark in their environment, wherever they have moved themselves."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

MARK = "SLIPWAY_LOCAL_MARK"
_PROC = Path("/proc")
_PATIENCE = 5.0
_STEP = 0.02


def processes(mark: str) -> tuple[int, ...]:
    """Return the ids of the living processes of the instance, this one not among them."""
    wanted = f"{MARK}={mark}".encode()
    found = _by_proc(wanted) if (_PROC / "self").exists() else _by_ps(wanted)
    return tuple(pid for pid in found if pid != os.getpid())


def end(mark: str, *, patience: float = _PATIENCE) -> int:
    """End them all, gently first, and return how many there were."""
    found = processes(mark)
    alive = found
    for signal_number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _PATIENCE)):
        _send(alive, signal_number)
        deadline = time.monotonic() + seconds
        while alive and time.monotonic() < deadline:
            time.sleep(_STEP)
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
        with suppress(OSError):  # it ended, or is not ours
            if wanted in (folder / "environ").read_bytes().split(b"\0") and not _is_zombie(folder):
                found.append(int(folder.name))
    return found


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _by_ps(wanted: bytes) -> list[int]:
    listing = subprocess.run(["/bin/ps", "-axwwE", "-o", "pid=,command="], capture_output=True, check=False).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if wanted in line.split()]
