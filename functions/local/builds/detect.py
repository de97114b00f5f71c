"""Detects the language of an app, and reads which processes it declares."""

import re
from enum import StrEnum
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.builds.context import Built
from functions.local.builds.site import OUTPUTS, web_command
from functions.local.builds.tree import Tree

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)\Z")


def parse_procfile(text: str) -> dict[str, str]:
    """Return process type -> command; blank lines and `#` comments are ignored.

    Raises Rejected naming the line that is not `TYPE: COMMAND` or repeats a type, and when the file is not text.
    """
    if "\0" in text:
        msg = "the Procfile holds a NUL byte: save it as plain text in UTF-8"
        raise Rejected(msg)
    processes: dict[str, str] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
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


class Kind(StrEnum):
    """The languages that can be built."""

    PYTHON = "python"
    NODE = "node"
    STATIC = "static"


# The first of these that is there decides.
_MARKERS = (
    *((name, Kind.PYTHON) for name in ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py")),
    ("package.json", Kind.NODE),
    *((name, Kind.STATIC) for name in ("index.html", "Staticfile", "static.json")),
    *((f"{folder}/index.html", Kind.STATIC) for folder in OUTPUTS),
    *((name, Kind.PYTHON) for name in ("main.py", "app.py")),
)
_NAMED = ("requirements.txt", "pyproject.toml", "Pipfile", "package.json", "index.html")
_ELSEWHERE = {
    "go.mod": "Go",
    "Gemfile": "Ruby",
    "Cargo.toml": "Rust",
    "composer.json": "PHP",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Kotlin",
    "mix.exs": "Elixir",
    "deno.json": "Deno",
    "build.sbt": "Scala",
    "project.clj": "Clojure",
    "pubspec.yaml": "Dart",
}


_SHOWN = 20
_MOST_CHARACTERS = 32 * 1024


def check_root(checkout: Path, root: str) -> None:
    """Raise Rejected, naming the folders that exist, when an app's folder is not one of its commit."""
    folder = checkout / root
    if folder.is_dir() and folder.resolve().is_relative_to(checkout.resolve()):
        return
    above = next(one for one in folder.parents if one.is_dir() and one.resolve().is_relative_to(checkout.resolve()))
    names = sorted(one.name for one in above.iterdir() if one.is_dir() and not one.is_symlink())
    where = above.relative_to(checkout).as_posix()
    there = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    msg = (
        f"the app's root {root} is no folder of this commit: "
        + (
            f"{'at its top' if where == '.' else f'in {where}'} there are {there}"
            if names
            else "it has no folders there"
        )
        + "; `paas git --root DIR` changes it, `.` is the top"
    )
    raise Rejected(msg)


def detect(tree: Tree) -> tuple[Kind, str]:
    """Return the language and the file by which it was detected. Raises Rejected naming what is missing."""
    for marker, kind in _MARKERS:
        if tree.has(marker):
            return kind, marker
    if marker := tree.first(*_ELSEWHERE):
        msg = (
            f"this is {_ELSEWHERE[marker]} ({marker}): one machine builds Python, Node.js and static apps; "
            "a cluster builds it with buildpacks"
        )
        raise Rejected(msg)
    if tree.has("Dockerfile"):
        msg = (
            "this app has a Dockerfile alone: one machine builds Python, Node.js and static apps, a cluster builds "
            "Dockerfiles too; add " + ", ".join(_NAMED[:-1]) + f" or {_NAMED[-1]}"
        )
        raise Rejected(msg)
    msg = (
        "no language detected: looked for "
        + ", ".join(f"{marker} ({kind})" for marker, kind in _MARKERS if marker in _NAMED)
        + f" {_where(tree)} and found none; "
        + (_below(tree) or "add the one that fits")
    )
    raise Rejected(msg)


def _where(tree: Tree) -> str:
    root = tree.folder.relative_to(tree.top).as_posix()
    return "at the top of the repository" if root == "." else f"in {root}, the app's root,"


def _below(tree: Tree) -> str:
    """Return what to do where an app is in a folder below."""
    found = sorted(
        str(path.parent.relative_to(tree.folder)) for name in _NAMED for path in tree.folder.glob(f"*/{name}")
    )
    folders = list(dict.fromkeys(found))
    return f"the folders {', '.join(folders[:5])} look like apps: set the app's root to one of them" if folders else ""


def declared_processes(tree: Tree) -> dict[str, str]:
    """Return what the Procfile declares, empty without one. Raises Rejected naming the line that is wrong."""
    return parse_procfile(tree.text("Procfile"))


def processes_of(declared: dict[str, str], built: Built, kind: Kind, *, has_procfile: bool) -> dict[str, str]:
    """Return all processes: what is declared, and the default of `web`. Raises Rejected when nothing starts the app."""
    if "web" in declared:
        return _checked(declared)
    web = web_command(built.site) if built.site else built.web
    if not web:
        missing = "the Procfile has no `web` line" if has_procfile else "no Procfile"
        line = "web: node server.js" if kind is Kind.NODE else "web: python app.py"
        reason = f" ({built.because})" if built.because else ""
        msg = f"{missing}: nothing says how to start this {kind} app{reason}; add one with a line `{line}`"
        raise Rejected(msg)
    return _checked({**declared, "web": web})


def _checked(processes: dict[str, str]) -> dict[str, str]:
    """Raise Rejected for commands that no event about the image could carry."""
    longest = max(processes, key=lambda name: len(processes[name]))
    if sum(len(name) + len(command) for name, command in processes.items()) > _MOST_CHARACTERS:
        msg = (
            f"the commands of all processes have more than {_MOST_CHARACTERS} characters, most of them that of "
            f"{longest[:_SHOWN]}: put it into a script of the repository, and start that"
        )
        raise Rejected(msg)
    return processes
