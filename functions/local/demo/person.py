"""What a person would type: git and paas in a clone of the example."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from functions.local.demo.screen import Screen

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "hello"
_SECONDS = 120
_AUTHOR = ("-c", "user.name=you", "-c", "user.email=you@example.com", "-c", "commit.gpgsign=false")


class CommandError(Exception):
    """A command of the story failed; the text has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at a terminal, in `clone`."""

    screen: Screen
    clone: Path

    def start_project(self) -> None:
        """Make a repository with the example in it."""
        shutil.copytree(EXAMPLE, self.clone)
        self.run("git", "init", "--quiet", "--initial-branch=main", shown=False)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        file = self.clone / name
        file.write_text(file.read_text().replace(old, new))

    def commit(self, message: str) -> str:
        """Commit everything, and return the sha."""
        self.run("git", "add", "--all", shown=False)
        self.run("git", *_AUTHOR, "commit", "--quiet", "--message", message, shown=False)
        return self.run("git", "rev-parse", "HEAD", shown=False).strip()

    def paas(self, *arguments: str) -> str:
        """Run the paas command of this installation; it finds the platform by .slipway/endpoints.json."""
        self.screen.say(f"\n$ paas {' '.join(arguments)}", style="bold")
        return self.run(sys.executable, "-m", "functions.cli.main", *arguments, shown=False)

    def push(self) -> None:
        """Push to the platform, showing what git says of the remote."""
        said = self.run("git", "push", "paas", "main")
        for line in said.splitlines():
            if line.startswith("remote:") and line.removeprefix("remote:").strip():
                self.screen.say(f"  {line.rstrip()}", style="dim")

    def run(self, *command: str, shown: bool = True) -> str:
        """Run a command in the clone and return what it printed. Raises CommandError when it fails."""
        if shown:
            self.screen.say(f"\n$ {' '.join(command)}", style="bold")
        ran = subprocess.run(
            command, cwd=self.clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode:
            msg = f"`{' '.join(command)}` failed with {ran.returncode}:\n{ran.stdout[-2000:]}"
            raise CommandError(msg)
        return ran.stdout
