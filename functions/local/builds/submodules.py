"""Completes a commit that was fetched: its submodules, with theirs, and its files in Git LFS."""

from dataclasses import dataclass
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.builds.fetch import Source, Sources, Tree, check_place, fetch_commit, read_git, remove_git
from functions.local.builds.lfs import LargeFiles
from functions.local.builds.steps import Steps

_MOST, _DEEPEST = 200, 20
_MODULES = ".gitmodules"


@dataclass(slots=True, kw_only=True)
class Entry:
    """What .gitmodules says of a submodule; `update` is how git updates it."""

    name: str
    path: str = ""
    url: str = ""
    update: str = ""


@dataclass(slots=True, kw_only=True)
class Completion:
    """Fetches what is part of the commit of one build, and counts its submodules."""

    steps: Steps
    sources: Sources
    count: int = 0

    def complete(self, tree: Tree, source: Source, folder: Path, *, path: str = "", depth: int = 0) -> None:
        """Fetch what belongs to the commit in a folder, and remove its .git; `path` is the folder's in the app.

        Raises StepFailed.
        """
        LargeFiles(steps=self.steps, sources=self.sources, source=source, folder=folder, path=path).fetch(tree.files)
        entries = self._entries(tree, folder, path) if tree.submodules else {}
        remove_git(folder)
        for inside, sha in tree.submodules.items():
            where, entry = f"{path}{inside}", entries.get(inside, Entry(name=inside))
            with self.steps.step("submodules", f"Fetching the submodule {entry.name} in {where}"):
                if entry.update == "none":
                    self.steps.log.line("It is left empty: .gitmodules says `update = none`")
                    continue
                self._check(depth, where)
                check_place(folder, inside)
                module = self._source(entry, sha, base=source.clone_url, where=where)
                what = f"the submodule {entry.name} in {where}, at {module.clone_url},"
                found = fetch_commit(self.steps, module, what=what, folder=folder / inside)
            self.complete(found, module, folder / inside, path=f"{where}/", depth=depth + 1)

    def _entries(self, tree: Tree, folder: Path, path: str) -> dict[str, Entry]:
        """Return what .gitmodules says by the paths of the submodules. Raises StepFailed."""
        if _MODULES not in tree.files:
            return {}
        words = ["config", "--blob", f"HEAD:{_MODULES}", "--null", "--list"]
        with self.steps.step("submodules", f"Reading {path}{_MODULES}"):
            listed = read_git(self.steps, words, folder=folder).decode(errors="surrogateescape")
        found: dict[str, Entry] = {}
        for key, _, value in (one.partition("\n") for one in listed.split("\0") if one):
            section, _, rest = key.partition(".")
            name, _, variable = rest.rpartition(".")
            if section == "submodule" and variable in {"path", "url", "update"}:
                setattr(found.setdefault(name, Entry(name=name)), variable, value)
        return {entry.path.rstrip("/"): entry for entry in found.values()}

    def _check(self, depth: int, where: str) -> None:
        self.count += 1
        if depth >= _DEEPEST or self.count > _MOST:
            msg = f"{where} is beyond {_MOST} submodules, or {_DEEPEST} of them in each other"
            raise Rejected(msg)

    def _source(self, entry: Entry, sha: str, *, base: str, where: str) -> Source:
        if not entry.url:
            msg = (
                f"{where} is a commit of another repository, and {_MODULES} does not say of which: name it there by "
                f"`git submodule add URL {where}`, or commit its files after `git rm --cached {where}`"
            )
            raise Rejected(msg)
        try:
            return self.sources.submodule(entry.url, base=base, sha=sha)
        except Rejected as error:
            msg = f"the submodule {entry.name} in {where} may not be fetched: {error}"
            raise Rejected(msg) from error
