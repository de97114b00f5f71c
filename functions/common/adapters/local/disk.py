"""What holds how much of one machine's disk: the state folder, by kind and by app."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.usage import DiskSpace, Holding

_BLOCK = 512  # of st_blocks, on every file system
# Folder of the state folder -> kind, and the place of the app's name in paths below it (0: the folder has no apps).
_KINDS = {
    "apps": ("data", 1),
    "builds": ("builds", 1),
    "cache": ("caches", 2),
    "images": ("images", 1),
    "logs": ("logs", 2),
    "git": ("repositories", 2),
    "nats": ("events", 0),
    "postgres": ("database", 0),
    "work": ("builds", 0),
}
_APPS = "select name, git_repo_name from projects"
_BUILDS = "select name, app from builds union select name, app from platform.builds"
# An image that several apps have is held by none of them alone.
_IMAGES = """
select digest, min(app) from (
    select digest, app from builds where digest <> '' union select digest, app from releases where digest <> ''
) as used group by digest having count(distinct app) = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDiskUsage:
    """DiskUsage of the state folder `home`. Files that are linked twice count once."""

    home: Path
    database: Postgres

    def measure(self) -> DiskSpace:
        """Return what holds how much; see DiskUsage."""
        owners = self._owners()
        found = Counter[tuple[str, str]]()
        for parts, size in _files(self.home):
            kind, depth = _KINDS.get(parts[0], ("other", 0))
            name = parts[depth] if depth and len(parts) > depth else ""
            found[kind, owners.get((kind, _stem(name)), "")] += size
        holdings = [Holding(kind=kind, app=app, size=size) for (kind, app), size in found.items() if size]
        ordered = sorted(holdings, key=lambda one: (-one.size, one.kind, one.app))
        return DiskSpace(holdings=tuple(ordered), free=shutil.disk_usage(self.home).free)

    def _owners(self) -> dict[tuple[str, str], str]:
        """Return the app of each name below a folder of a kind."""
        rows = self.database.run(_APPS)
        apps = {(kind, name): name for name, _ in rows for kind in ("data", "caches", "logs")}
        repositories = {("repositories", repository or name): name for name, repository in rows}
        builds = {("builds", name): app for name, app in self.database.run(_BUILDS)}
        images = {("images", digest.removeprefix("sha256:")): app for digest, app in self.database.run(_IMAGES)}
        return {**apps, **repositories, **builds, **images}


def _stem(name: str) -> str:
    return name.removesuffix(".git").removesuffix(".log")


def _files(root: Path) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path of each file below a folder, as parts, and what it takes; what ends meanwhile is left out."""
    seen = set[tuple[int, int]]()
    for folder, _, names in os.walk(root):
        parts = Path(folder).relative_to(root).parts
        for name in names:
            try:
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - ten times as fast for so many files
            except OSError:
                continue
            if status.st_nlink > 1 and (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            yield (*parts, name), status.st_blocks * _BLOCK
