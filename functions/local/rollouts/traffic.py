"""Where requests go: names of small files that Caddy looks up for each request.

A new configuration makes Caddy close its idle connections and cut off requests that it has just begun to
read. So all that changes while it runs stands in folders, and its configuration stays as it is.

`routes`/APP/ENVIRONMENT holds files named NUMBER@SPLIT@A@B: A and B are the addresses of two upstreams,
SPLIT says which of them gets how much: `a` or `b` for all, `b10` for a new version in slot b with ten
percent. The lowest number counts; the one before it stays for requests that have just read its name.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

WHOLE = 100
_FIRST, _DIGITS, _KEPT = 10**12 - 1, 12, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The files of all environments, below `routes`; one writer at a time for each environment."""

    routes: Path

    def folder(self, app: str, environment: str) -> Path:
        """Return the folder of an environment."""
        return self.routes / app / environment

    def place(self, app: str, environment: str, *, slot: str, upstream: str) -> None:
        """Say where a slot's version listens."""
        folder = self.folder(app, environment)
        _, split, a, b = _newest(folder)
        _write(folder, split, upstream if slot == "a" else a, upstream if slot == "b" else b)

    def split(self, app: str, environment: str, *, slot: str, weight: int = WHOLE) -> None:
        """Give the slot this share in percent, and the other slot the rest."""
        folder = self.folder(app, environment)
        _, _, a, b = _newest(folder)
        _write(folder, slot if weight >= WHOLE else f"{slot}{weight}", a, b)

    def remove(self, app: str, environment: str) -> None:
        """Forget the environment."""
        shutil.rmtree(self.folder(app, environment), ignore_errors=True)


def _newest(folder: Path) -> tuple[int, str, str, str]:
    names = sorted(path.name for path in folder.glob("*@*"))
    if not names:
        return _FIRST, "", "", ""
    number, split, a, b = names[0].split("@")
    return int(number), split, a, b


def _write(folder: Path, split: str, a: str, b: str) -> None:
    number, *known = _newest(folder)
    if known == [split, a, b]:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number - 1:0{_DIGITS}}@{split}@{a}@{b}").touch()
    for old in sorted(folder.glob("*@*"))[_KEPT:]:
        old.unlink()
