"""The processes of one build: one group, known by its leader's id and start."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_ENDED = "ZX"  # states of processes that do nothing any more


def start_mark(pid: int) -> str:
    """Return when the process started, as the system tells it; empty when it is gone.

    The same id with another mark is another process.
    """
    fields = _status(pid)
    return fields[19] if fields else ""


def is_gone(group: int) -> bool:
    """Return whether nothing of the group runs any more; the dead that nobody collected do not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    if not _PROC.is_dir():
        return False
    return not any(_runs_in(group, int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())


def stop_group(group: int, *, grace: float) -> bool:
    """Ask the group to end, end it by force after `grace` seconds, and return whether it is really gone."""
    for signal_number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal_number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            _collect(group)
            if is_gone(group):
                return True
            time.sleep(_POLL_SECONDS)
    return is_gone(group)


def stop_leftover(group: int, mark: str, *, grace: float) -> bool:
    """Stop the group of a build whose runner died, unless its id belongs to another process now."""
    leader = start_mark(group)
    if leader and leader != mark:
        return True
    return stop_group(group, grace=grace)


def _collect(group: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)


def _runs_in(group: int, pid: int) -> bool:
    fields = _status(pid)
    return bool(fields) and int(fields[2]) == group and fields[0] not in _ENDED


def _status(pid: int) -> list[str]:
    """Return /proc/PID/stat from the third field on: state, parent, group, ..."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
