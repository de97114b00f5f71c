"""Logs of one machine: files of the state folder."""

import json
import re
from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path

from functions.common.errors import NotFound, Rejected
from functions.common.ports.logs import LogChunk, RuntimeLogChunk

END_MARK = "=====> "
_CHUNK = 256 * 1024
_FIRST_READ = 16 * 1024
_TAIL = 4 * 1024
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBuildLogs:
    """BuildLogs over the folder of build logs; a line that starts with the end mark is the last one."""

    builds: Path

    def read(self, name: str, offset: int) -> LogChunk:
        """Return the log of a build from the offset on; see BuildLogs."""
        path = self.builds / f"{name}.log"
        if not _NAME.match(name) or not path.is_file():
            msg = f"there is no log of a build {name!r}: it has not started yet"
            raise NotFound(msg)
        text, after = _whole_lines(path, offset)
        return LogChunk(text=text, next_offset=after, ended=after >= path.stat().st_size and _has_ended(path))

    def tail(self, name: str) -> str:
        """Return the last lines of a failed build; see BuildLogs."""
        path = self.builds / f"{name}.log"
        if not _NAME.match(name) or not path.is_file():
            return ""
        text, _ = _whole_lines(path, path.stat().st_size - _TAIL)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRuntimeLogs:
    """RuntimeLogs over logs/apps: one file for each release and process, rotated by size."""

    apps: Path

    def read(self, app: str, environment: str, cursor: str) -> RuntimeLogChunk:
        """Return what was written since the cursor; without one, the end of each process's newest log."""
        if not _NAME.match(app) or not _NAME.match(environment):
            msg = f"{app}/{environment} is not a valid app and environment"
            raise Rejected(msg)
        seen, lines = _positions(cursor), list[str]()
        now: dict[str, int] = {}
        paths = sorted((self.apps / app / environment).glob("*.log"), key=lambda path: _release(path.stem))
        newest = {_process(path.stem): path for path in paths}.values()
        for path in paths:
            size = _size(path)
            begin = seen.get(path.stem, 0 if cursor else max(0, size - _FIRST_READ))
            text, now[path.stem] = _whole_lines(path, begin if begin <= size else 0)
            if cursor or path in newest:
                lines += [f"{path.stem}: {line}\n" for line in text.splitlines()]
        return RuntimeLogChunk(text="".join(lines), cursor=json.dumps(now, separators=(",", ":")))


def _has_ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _FIRST_READ))
        return file.read().rpartition(b"\n")[0].rpartition(b"\n")[2].startswith(END_MARK.encode())


def _release(stem: str) -> tuple[int, str]:
    number = stem.partition("-")[0]
    return (int(number) if number.isdigit() else 0, stem)


def _process(stem: str) -> str:
    return stem.partition("-")[2]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it was rotated away
        return 0


def _positions(cursor: str) -> dict[str, int]:
    try:
        found = json.loads(cursor or "{}")
        return {str(name): max(0, int(offset)) for name, offset in found.items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        msg = "the cursor cannot be read: send the cursor of the previous answer, or none to start again"
        raise Rejected(msg) from error


def _whole_lines(path: Path, offset: int) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, SEEK_END)
            file.seek(min(max(0, offset), size))  # no file system takes every offset that the API does
            data = file.read(_CHUNK)
    except FileNotFoundError:
        return "", offset
    whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == _CHUNK else b"")
    return whole.decode(errors="replace"), max(0, offset) + len(whole)
