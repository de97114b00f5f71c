"""Detects the language of an app, and reads which processes it declares."""

import json
import os
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from functions.common.errors import Rejected

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)\Z")


def parse_procfile(text: str) -> dict[str, str]:
    """Return process type -> command; blank lines and `#` comments are ignored.

    Raises Rejected naming the line that is not `TYPE: COMMAND` or repeats a type, and when the file is not text.
    """
    if "\0" in text:
        msg = "the Procfile holds a NUL byte: save it as plain text in UTF-8"
        raise Rejected(msg)
    processes: dict[str, str] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            msg = (
                f"Procfile line {number} cannot be read: {line!r}. Write `TYPE: COMMAND`, such as `web: python app.py`"
            )
            raise Rejected(msg)
        if match[1] in processes:
            msg = f"Procfile line {number} names {match[1]!r} a second time: keep one line for each process type"
            raise Rejected(msg)
        processes[match[1]] = match[2]
    return processes


STATIC_WEB = 'caddy run --adapter caddyfile --config "$SLIPWAY_SITE"'
OLD_STATIC_WEB = "caddy file-server --root . --listen 127.0.0.1:$PORT"  # of images that were built before
_MARKERS = (
    ("requirements.txt", "python"),
    ("pyproject.toml", "python"),
    ("package.json", "node"),
    ("index.html", "static"),
)


class Kind(StrEnum):
    """The languages that can be built; the first one whose marker file exists is used."""

    PYTHON = "python"
    NODE = "node"
    STATIC = "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to build; `marker` is the file by which the language was detected."""

    kind: Kind
    marker: str
    processes: dict[str, str]


def detect(tree: Path) -> Plan:
    """Return what to build. Raises Rejected naming the file that is missing or wrong."""
    for marker, kind in _MARKERS:
        if (tree / marker).is_file():
            _refuse_links(tree, everywhere=kind == Kind.STATIC)
            return Plan(kind=Kind(kind), marker=marker, processes=_processes(tree, Kind(kind)))
    msg = (
        "no language detected: looked for "
        + ", ".join(f"{marker} ({kind})" for marker, kind in _MARKERS)
        + " at the top of the repository and found none; add the one that fits"
    )
    raise Rejected(msg)


_READ = ("Procfile", *(marker for marker, _ in _MARKERS), "package-lock.json", "npm-shrinkwrap.json")


def _refuse_links(tree: Path, *, everywhere: bool) -> None:
    """Raise Rejected for a link out of the tree: of a file that the build reads, or of any that a site would serve."""
    top = os.path.realpath(tree)
    for parent, folders, files in os.walk(tree) if everywhere else [(str(tree), [], list(_READ))]:
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and (path.readlink().is_absolute() or not path.resolve().is_relative_to(top)):
                msg = f"{path.relative_to(tree)} is a link that leaves the repository, to {path.readlink()}: remove it"
                raise Rejected(msg)


def _processes(tree: Path, kind: Kind) -> dict[str, str]:
    procfile = tree / "Procfile"
    processes = parse_procfile(procfile.read_text(encoding="utf-8", errors="replace")) if procfile.is_file() else {}
    if "web" in processes:
        return processes
    web = _default_web(tree, kind)
    if not web:
        missing = "the Procfile has no `web` line" if procfile.is_file() else "no Procfile"
        line = "web: node server.js" if kind is Kind.NODE else "web: python app.py"
        msg = f"{missing}: nothing says how to start this {kind} app; add one with a line `{line}`"
        raise Rejected(msg)
    return {**processes, "web": web}


def _default_web(tree: Path, kind: Kind) -> str:
    if kind is Kind.STATIC:
        return STATIC_WEB
    if kind is Kind.NODE and (package_json(tree).get("scripts") or {}).get("start"):
        return "npm start"
    return ""


def package_json(tree: Path) -> dict[str, Any]:
    """Return package.json. Raises Rejected when it is not a JSON object."""
    return _object(tree / "package.json", json.loads)


def pyproject(tree: Path) -> dict[str, Any]:
    """Return pyproject.toml. Raises Rejected when it is not TOML."""
    return _object(tree / "pyproject.toml", tomllib.loads)


def _object(path: Path, read: Any) -> dict[str, Any]:  # noqa: ANN401 - a parser of the standard library
    try:
        value = read(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path.name} cannot be read: {error}"
        raise Rejected(msg) from error
    if not isinstance(value, dict):
        msg = f"{path.name} must hold an object"
        raise Rejected(msg)
    return value
