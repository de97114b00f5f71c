"""Real git repositories for tests."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
GIT = shutil.which("git") or "git"
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Test"), ("EMAIL", "test@example.invalid"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A bare repository that can be cloned from `url`, and a work tree to commit in."""

    bare: Path
    tree: Path

    @property
    def url(self) -> str:
        """Where to clone from."""
        return str(self.bare)

    def commit(self, files: dict[str, str | None]) -> str:
        """Write the files (None deletes one), push main, and return the sha."""
        for name, content in files.items():
            path = self.tree / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "change")
        self._git("push", "--quiet", "--force", self.url, "HEAD:refs/heads/main")
        return self._git("rev-parse", "HEAD")

    def commit_example(self, name: str) -> str:
        """Commit one of the examples of the documentation."""
        shutil.copytree(EXAMPLES / name, self.tree, dirs_exist_ok=True)
        return self.commit({})

    def _git(self, *words: str) -> str:
        environment = {"PATH": os.defpath, "HOME": str(self.tree), **_IDENTITY}
        done = subprocess.run([GIT, *words], cwd=self.tree, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def make_repository(folder: Path) -> Repository:
    """Return a new empty repository."""
    tree, bare = folder / "tree", folder / "origin.git"
    subprocess.run([GIT, "init", "--quiet", "--bare", str(bare)], check=True)
    subprocess.run([GIT, "init", "--quiet", "--initial-branch=main", str(tree)], check=True)
    return Repository(bare=bare, tree=tree)
