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


HOOK_SECRET = "of the hook of a repository"
SERVER = "http://127.0.0.1:1"  # the git server of a machine whose builds read its folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A bare repository that can be cloned from `url`, and a work tree to commit in.

    Builds of this machine read it by `clone_url`, when it is in the state folder.
    """

    bare: Path
    tree: Path
    clone_url: str = f"{SERVER}/team/hello.git"

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

    def git(self, *words: str) -> str:
        """Run git in the bare repository."""
        return subprocess.run([GIT, "-C", self.url, *words], check=True, capture_output=True, text=True).stdout.strip()

    def _git(self, *words: str) -> str:
        environment = {"PATH": os.defpath, "HOME": str(self.tree), **_IDENTITY}
        done = subprocess.run([GIT, *words], cwd=self.tree, env=environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def make_repository(folder: Path, *, home: Path | None = None) -> Repository:
    """Return a new empty repository; with `home` it is `team/hello` of the git server of that state folder."""
    tree, bare = folder / "tree", home / "git" / "team" / "hello.git" if home else folder / "origin.git"
    subprocess.run([GIT, "init", "--quiet", "--bare", str(bare)], check=True)
    subprocess.run([GIT, "init", "--quiet", "--initial-branch=main", str(tree)], check=True)
    return Repository(bare=bare, tree=tree)
