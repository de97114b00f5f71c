"""Commit statuses of the bare repositories on this machine: a note at each commit, `git notes --ref=slipway`.

Users see them with `git fetch origin refs/notes/slipway:refs/notes/slipway` and `git log --notes=slipway`.
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.repository_address import owner_and_name
from functions.common.errors import NotFound, Unavailable

TIMEOUT_SECONDS = 10
_GIT = ("git", "-c", "user.name=Slipway", "-c", "user.email=slipway@localhost", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitNotes:
    """CommitStatuses over the repositories `<folder>/<owner>/<name>.git`, cloned below `base_url`.

    `owner` is meant where a URL names none.
    """

    folder: Path
    base_url: str
    owner: str = "slipway"

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set one line of the commit's note; a repository that is not here is left to others.

        Raises NotFound when the repository has no such commit.
        """
        path = self._path(repository)
        if path is None:
            return
        if _git(path, "cat-file", "-e", f"{sha}^{{commit}}").returncode:
            msg = f"{repository} has no commit {sha}: it was pushed away, or the repository was made anew"
            raise NotFound(msg)
        words = (context, state, description, target_url)
        line = "\t".join(" ".join(word.split()) for word in words).rstrip("\t")
        with _locked(path):
            shown = _git(path, "notes", "--ref=slipway", "show", sha)
            kept = [] if shown.returncode else [note for note in shown.stdout.splitlines() if note]
            lines = sorted([note for note in kept if note.split("\t")[0] != context] + [line])
            if lines == kept:
                return
            added = _git(path, "notes", "--ref=slipway", "add", "-f", "-F", "-", sha, text="\n".join(lines) + "\n")
        if added.returncode:
            msg = f"git cannot write a note in {path}: {added.stderr.strip()}"
            raise Unavailable(msg)

    def _path(self, repository: str) -> Path | None:
        found = owner_and_name(repository, base_url=self.base_url, default_owner=self.owner)
        if found is None:
            return None
        owner, name = found
        path = self.folder / owner / f"{name}.git"
        return path if path.is_dir() else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one writer at a time read and replace a note: git itself would let the last one win."""
    with (path / "slipway-notes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _git(path: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [*_GIT, "-C", str(path), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"git does not answer in {path}: {error}"
        raise Unavailable(msg) from error
