"""What Caddy's access log says of each upstream since a moment."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SERVER_ERROR = 500


@dataclass(slots=True)
class Tally:
    """Requests that an upstream answered, and those that it answered with a server error."""

    requests: int = 0
    errors: int = 0


@dataclass(slots=True)
class AccessLog:
    """Reads on from the end that the file had when this object was made; follows rotation."""

    path: Path
    tallies: dict[str, Tally] = field(default_factory=dict)
    _offset: int = 0
    _inode: int = 0
    _rest: bytes = b""

    def __post_init__(self) -> None:
        """Begin at the end."""
        if self.path.exists():
            status = self.path.stat()
            self._offset, self._inode = status.st_size, status.st_ino

    def read(self) -> None:
        """Count what was written since the last reading."""
        for entry in self._entries():
            # `first` is the version whose answer was an error, so that the request went to the other one too.
            first = entry.get("first")
            if first:
                self._count(str(first), failed=True)
            upstream = entry.get("upstream")
            if upstream:
                self._count(str(upstream), failed=int(entry.get("status") or 0) >= _SERVER_ERROR)

    def _count(self, upstream: str, *, failed: bool) -> None:
        tally = self.tallies.setdefault(upstream, Tally())
        tally.requests += 1
        tally.errors += failed

    def _entries(self) -> Iterator[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                status = self.path.stat()
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._offset, self._inode, self._rest = 0, status.st_ino, b""
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def verdict(new: Tally, old: Tally) -> str:
    """Return why the new version is to be given up, or nothing.

    It may err as often as the old one does, two requests more, and one percent more.
    """
    expected = new.requests * old.errors / old.requests if old.requests else 0.0
    surplus = new.errors - expected
    if surplus < 3 or surplus < new.requests / 100:  # noqa: PLR2004 - the promise above
        return ""
    before = f"{old.errors} of {old.requests}"
    return f"{new.errors} of its {new.requests} requests failed with a server error (the running version: {before})"
