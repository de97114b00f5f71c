"""Who listens at a port: the processes of an app, or others of this machine that took the port before them.

It is read from /proc. Where there is none, or it may not be read, the answer is that it is unknown.
"""

import ipaddress
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = "0A"
_WORD = 8  # an address is given in words of four bytes, in the order of the machine
# A connection to 127.0.0.1 reaches the first of these that listens.
_ANSWERING = ("127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::ffff:0.0.0.0", "::")  # noqa: S104 - what others bind


class Owner(StrEnum):
    """Whose process answers at a port."""

    OWN = "own"
    OTHER = "other"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A socket that listens; `user` is who made it, `inode` identifies it."""

    address: str
    port: int
    user: int
    inode: int

    def __str__(self) -> str:
        """The address and port as in a URL."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def owner_of(port: int, process: int, user: Callable[[], int]) -> Owner:
    """Return who answers at a port of 127.0.0.1; the own processes are `process` with all below it.

    `user` is theirs alone, or 0; it decides where their open files may not be read.
    """
    found = [one for one in listeners() if one.port == port and one.address in _ANSWERING]
    if not found:
        return Owner.NONE if _is_known() else Owner.UNKNOWN
    nearest = min(_ANSWERING.index(one.address) for one in found)
    answering = [one for one in found if _ANSWERING.index(one.address) == nearest]
    own, is_complete = _sockets_of(process)
    if all(one.inode in own for one in answering):
        return Owner.OWN
    if is_complete:
        return Owner.OTHER
    known = user()
    if not known:
        return Owner.UNKNOWN
    return Owner.OWN if all(one.user == known for one in answering) else Owner.OTHER


def listening(process: int) -> list[Listener]:
    """Return where a process and all below it listen, in the order of the ports."""
    own, _ = _sockets_of(process)
    return sorted((one for one in listeners() if one.inode in own), key=lambda one: (one.port, one.address))


def listeners() -> Iterator[Listener]:
    """Return every TCP socket of this machine that listens."""
    for name in ("tcp", "tcp6"):
        for line in _lines(_PROC / "net" / name):
            fields = line.split()
            if fields[3] == _LISTENS:
                address, _, port = fields[1].partition(":")
                yield Listener(address=_address(address), port=int(port, 16), user=int(fields[7]), inode=int(fields[9]))


def _is_known() -> bool:
    return (_PROC / "net" / "tcp").exists()


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ()


def _address(text: str) -> str:
    words = (text[start : start + _WORD] for start in range(0, len(text), _WORD))
    address = ipaddress.ip_address(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return f"::ffff:{mapped}" if mapped else str(address)


def _sockets_of(process: int) -> tuple[set[int], bool]:
    """Return the inodes of the sockets of a process and all below it, and whether all of them could be read."""
    found, is_complete = set[int](), True
    for pid in descendants(process):
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)  # noqa: PTH208 - it has thousands
        except FileNotFoundError:  # it ended meanwhile
            continue
        except OSError:
            is_complete = False
            continue
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - as above
            except FileNotFoundError:
                continue
            except OSError:
                is_complete = False
                break
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found, is_complete


def descendants(process: int) -> list[int]:
    """Return a process and all below it; none for 0."""
    children = defaultdict[int, list[int]](list)
    for entry in _PROC.glob("[0-9]*/stat") if process and _PROC.is_dir() else ():
        try:
            parent = int(entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children[parent].append(int(entry.parent.name))
    found, waiting = list[int](), [process] if process else []
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children[one]
    return found
