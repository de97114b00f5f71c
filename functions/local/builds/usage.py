"""What a build uses of this machine, and where that is too much.

Limits of single processes do not bound a build, which may start many, and those of address space break Node and Java.
"""

import errno
import os
import stat
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BLOCK_BYTES = 512  # the unit of st_blocks
_MEMORY_SECONDS, _DISK_SECONDS = 0.5, 2.0
_HIDDEN = frozenset({errno.ENAMETOOLONG, errno.EACCES})
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
            used = sum(map(disk_of, self.folders)) + nameless_of(self.process, self.folders)
            self._disk_due = now + max(_DISK_SECONDS, _DISK_SHARE * (time.monotonic() - now))
            if used > self.disk:
                return "disk", f"the build took more than {_mib(self.disk)} of disk (SLIPWAY_BUILD_STORAGE)"
        return "", ""


def _mib(size: int) -> str:
    return f"{size // 1024**2} MiB"


def memory_of(process: int) -> int:
    """Return the resident memory of a process and all its descendants, in bytes."""
    return sum(_resident(process).values())


def _resident(process: int) -> dict[int, int]:
    """Return the resident memory of a process and of each of its descendants by their ids, in bytes."""
    children, resident = defaultdict[int, list[int]](list), dict[int, int]()
    for entry in _PROC.glob("[0-9]*/stat") if _PROC.is_dir() else ():
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        pid = int(entry.parent.name)
        children[int(fields[1])].append(pid)
        resident[pid] = int(fields[21]) * _PAGE_BYTES
    found, waiting = dict[int, int](), [process]
    while waiting:
        one = waiting.pop()
        found[one] = resident.get(one, 0)
        waiting += children[one]
    return found


def nameless_of(process: int, folders: Sequence[Path]) -> int:
    """Return the space on the disks of the folders of files without a name that a process or descendant holds open."""
    disks = {folder.stat().st_dev for folder in folders if folder.exists()}
    sizes = dict[tuple[int, int], int]()
    for pid in _resident(process):
        with suppress(OSError):  # it ended meanwhile
            for link in os.scandir(_PROC / str(pid) / "fd"):
                with suppress(OSError):  # it was closed meanwhile
                    file = os.stat(link.path)  # noqa: PTH116 - there may be thousands
                    if not file.st_nlink and file.st_dev in disks and stat.S_ISREG(file.st_mode):
                        sizes[file.st_dev, file.st_ino] = file.st_blocks * _BLOCK_BYTES
    return sum(sizes.values())


def disk_of(folder: Path) -> int:
    """Return the space that all files below a folder take, in bytes; sys.maxsize where no path reaches them."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError as error:
            if error.errno in _HIDDEN:  # nothing but a program that hides what it writes makes such folders
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
