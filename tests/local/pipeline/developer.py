"""A developer with a clone: git and paas, as typed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.pipeline.stage import Stage
from tests.local.repositories import GIT
from tests.patience import patient

SAMPLE = Path(__file__).with_name("sample")
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Dev"), ("EMAIL", "dev@example.com"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Developer:
    """Works on the app `app` in `clone`."""

    stage: Stage
    app: str
    clone: Path

    @property
    def host(self) -> str:
        """The host of production, without the domain."""
        return self.app

    def commit(self, files: dict[str, str] | None = None, message: str = "change") -> str:
        """Commit the sample app with these files over it, and nothing else, and return the sha."""
        for entry in self.clone.iterdir():
            if entry.name != ".git":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(SAMPLE, self.clone, dirs_exist_ok=True)
        for name, text in (files or {}).items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text)
        return self.commit_tree(message)

    def commit_tree(self, message: str = "change") -> str:
        """Commit what is in the work tree, be it a change or not, and return the sha."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, refspec: str = "HEAD:refs/heads/main", *, waits: bool = False) -> str:
        """Push, and return git's output; unless it waits, as soon as the push is stored."""
        options = () if waits else ("--push-option=nowait",)
        return self.git("push", "--force", *options, "paas", refspec)

    def deploy(self, files: dict[str, str] | None = None) -> str:
        """Commit, push, wait until it is live, and return the sha."""
        sha = self.commit(files)
        self.push()
        self.stage.live(sha, self.app)
        return sha

    def answer(self) -> str:
        """Return what production answers. Fails unless that is a success."""
        status, text = self.stage.get(self.app)
        assert status == 200, (status, text)
        return text

    def paas(self, *arguments: str, code: int = 0) -> str:
        """Run paas and return what it prints. Fails unless it exits with `code`."""
        ran = self._run([sys.executable, "-m", "functions.cli.main", *arguments])
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def paas_json(self, *arguments: str) -> Any:  # noqa: ANN401 - as the command has it
        """Run paas with --json and return the document."""
        ran = self._run([sys.executable, "-m", "functions.cli.main", *arguments, "--json"])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    def git(self, *arguments: str) -> str:
        """Run git and return what it prints. Fails unless it succeeds."""
        ran = self._run([GIT, *arguments])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + (ran.stderr if arguments[0] == "push" else "")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.clone),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            **_IDENTITY,
        }
        return subprocess.run(
            command, cwd=self.clone, env=environment, capture_output=True, text=True, timeout=patient(60), check=False
        )


def clone_for(stage: Stage, app: str) -> Developer:
    """Return a developer with a new, empty repository."""
    clone = stage.folder / app
    subprocess.run([GIT, "init", "--quiet", "--initial-branch=main", str(clone)], check=True, timeout=patient(60))
    return Developer(stage=stage, app=app, clone=clone)


def begin(stage: Stage, app: str, *options: str) -> Developer:
    """Return a developer who has just made an app."""
    developer = clone_for(stage, app)
    developer.paas("apps", "create", app, *options)
    return developer
