"""What a build uses of this machine, and where that is too much.

Limits of single processes do not bound a build, which may start many, and those of address space break Node and Java.
"""

import errno
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BLOCK_BYTES = 512  # the unit of st_blocks
_MEMORY_SECONDS, _DISK_SECONDS = 0.5, 2.0
_DISK_SHARE = 20  # looking at a folder may take this part of the time


@dataclass(slots=True, kw_only=True)
class Usage:
    """The use of one build: `process` is its first process, `folders` what it writes; a limit of 0 is none."""

    process: int
    folders: tuple[Path, ...]
    memory: int
    disk: int
    _memory_due: float = field(default_factory=time.monotonic)
    _disk_due: float = field(default_factory=time.monotonic)

    def excess(self) -> tuple[str, str]:
        """Return what the build uses too much of, and the reason; empty texts when nothing, or it is not yet time."""
        now = time.monotonic()
        if self.memory and now >= self._memory_due:
            self._memory_due = now + _MEMORY_SECONDS
            if memory_of(self.process) > self.memory:
                return "memory", f"the build took more than {_mib(self.memory)} of memory (SLIPWAY_BUILD_MEMORY)"
        if self.disk and now >= self._disk_due:
            used = sum(map(disk_of, self.folders))
            self._disk_due = now + max(_DISK_SECONDS, _DISK_SHARE * (time.monotonic() - now))
            if used > self.disk:
                return "disk", f"the build took more than {_mib(self.disk)} of disk (SLIPWAY_BUILD_STORAGE)"
        return "", ""


def _mib(size: int) -> str:
    return f"{size // 1024**2} MiB"


def memory_of(process: int) -> int:
    """Return the resident memory of a process and all its descendants, in bytes."""
    children, resident = defaultdict[int, list[int]](list), dict[int, int]()
    for entry in _PROC.glob("[0-9]*/stat") if _PROC.is_dir() else ():
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        pid = int(entry.parent.name)
        children[int(fields[1])].append(pid)
        resident[pid] = int(fields[21]) * _PAGE_BYTES
    total, waiting = 0, [process]
    while waiting:
        one = waiting.pop()
        total += resident.get(one, 0)
        waiting += children[one]
    return total


def disk_of(folder: Path) -> int:
    """Return the space that all files below a folder take, in bytes; sys.maxsize where no path reaches them."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # nothing but a program that hides what it writes goes so deep
                return sys.maxsize
            continue  # it was deleted meanwhile
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
                continue
            try:
                total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
            except OSError:  # as above
                continue
    return total
