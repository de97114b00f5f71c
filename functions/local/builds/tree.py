"""The one reader of what a repository holds: text and typed fields, never a traceback.

A reader is not stricter than the tool that it prepares for: where npm ignores a field of a wrong type, it is absent.
"""

import codecs
import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.common.errors import Rejected

_MAX_BYTES = 32 * 1024**2  # lock files of large repositories are long
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BOMS = (codecs.BOM_UTF8, *_UTF_16)


def decoded(content: bytes, name: str) -> str:
    """Return text whose lines end in a line feed alone. Raises Rejected naming the file when it is not text.

    UTF-16 with its mark is read as pip reads it: PowerShell's `>` writes it.
    """
    try:
        text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name} is not text in UTF-8 (byte {error.start}): save it as UTF-8"
        raise Rejected(msg) from error
    if "\0" in text:
        msg = f"{name} holds a NUL byte: save it as plain text in UTF-8"
        raise Rejected(msg)
    return text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a folder of the repository; names are relative to it, and no link leads out of `top`."""

    folder: Path
    top: Path

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        path = self.folder / name
        return path.is_file() and self._is_inside(path)

    def first(self, *names: str) -> str:
        """Return the first of the names that is a file; empty when none is."""
        return next((name for name in names if self.has(name)), "")

    def text(self, name: str) -> str:
        """Return the text of a file, empty when there is none. Raises Rejected when it is not text, or is too long."""
        path = self.folder / name
        if not path.is_file():
            return ""
        if not self._is_inside(path):
            msg = f"{name} is a link that leaves the repository, to {path.readlink()}: remove it"
            raise Rejected(msg)
        if path.stat().st_size > _MAX_BYTES:
            msg = f"{name} is longer than {_MAX_BYTES // 1024**2} MiB"
            raise Rejected(msg)
        return decoded(path.read_bytes(), name)

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file, which may be no text; empty when there is none."""
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest() if self.has(name) else ""

    def lines(self, name: str) -> list[str]:
        """Return the lines of a file without their ends. Raises Rejected as `text`."""
        return self.text(name).split("\n")

    def json(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file, empty when there is none. Raises Rejected naming the file."""
        return self._object(name, json.loads)

    def toml(self, name: str) -> dict[str, Any]:
        """Return the table in a TOML file, empty when there is none. Raises Rejected naming the file."""
        return self._object(name, tomllib.loads)

    def files(self, suffix: str, *, depth: int) -> Iterator[Path]:
        """Return the files of this suffix up to `depth` folders below, those nearest to the top first, in order."""
        folders = [self.folder]
        for _ in range(depth + 1):
            below: list[Path] = []
            for folder in folders:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
                yield from (Path(one.path) for one in entries if one.name.endswith(suffix) and _is_file(one))
                below += [Path(one.path) for one in entries if _is_source(one)]
            folders = below

    def _is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.top))

    def _object(self, name: str, read: Callable[[str], Any]) -> dict[str, Any]:
        text = self.text(name)
        if not self.has(name):
            return {}
        try:
            value = read(text)
        except RecursionError as error:
            msg = f"{name} cannot be read: it is nested too deeply"
            raise Rejected(msg) from error
        except ValueError as error:
            msg = f"{name} cannot be read: {error}"
            raise Rejected(msg) from error
        if not isinstance(value, dict):
            msg = f"{name} must hold an object"
            raise Rejected(msg)
        return value


_NO_SOURCES = frozenset({"node_modules", "tests", "test", "docs", "venv", "env", "__pycache__", "migrations"})


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _is_source(entry: os.DirEntry[str]) -> bool:
    is_hidden = entry.name.startswith(".")
    return entry.is_dir(follow_symlinks=False) and not is_hidden and entry.name not in _NO_SOURCES


def table(value: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401 - what a parser returned
    """Return the object below these keys, empty where something else is there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def text_field(value: Any, *keys: str) -> str:  # noqa: ANN401 - as above
    """Return the text below these keys without blanks around it, empty where something else is there, or no text."""
    *path, last = keys
    found = table(value, *path).get(last)
    return found.strip() if isinstance(found, str) and _is_usable(found) else ""


def _is_usable(text: str) -> bool:
    """Return whether a program can have the text as an argument: JSON can hold characters that are none."""
    return not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)
