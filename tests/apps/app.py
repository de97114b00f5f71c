"""One app of the catalogue: how its repository is made, and what is expected of it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

GENERATOR_SECONDS = 240.0


class NotMade(Exception):
    """A generator did not make the app; the text is what it printed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where an app is made: an empty folder, with the tools of the platform on the PATH."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files below the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, *command: str, at: str = ".") -> str:
        """Run a generator or a package manager in the folder. Raises NotMade unless it succeeds."""
        ran = subprocess.run(
            command,
            cwd=self.folder / at,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=GENERATOR_SECONDS,
            check=False,
        )
        if ran.returncode:
            last = " | ".join(ran.stdout.strip().split("\n")[-3:])
            msg = f"{' '.join(command[:3])}: exit code {ran.returncode}: {last[:300]}"
            raise NotMade(msg)
        return ran.stdout

    def generated(self, name: str) -> None:
        """Move what a generator made in a folder of this name to the top, without a repository of its own."""
        made = self.folder / name
        shutil.rmtree(made / ".git", ignore_errors=True)
        aside = self.folder.with_name(f"{self.folder.name}.made")
        made.rename(aside)
        for entry in aside.iterdir():
            entry.rename(self.folder / entry.name)
        aside.rmdir()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file. Raises NotMade when it is not there."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            msg = f"{name} does not hold {old!r}"
            raise NotMade(msg)
        path.write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app; `make` writes its repository.

    It is expected to go live and to answer `path` with `status` and a text that holds `says`, or, where `refused` is
    given, to be refused with a reason that holds it. `changes` are files of the second push. `check` looks at more.
    """

    name: str
    make: Callable[[Workshop], None]
    says: str = "hello"
    path: str = "/"
    status: int = 200
    refused: str = ""
    root: str = ""
    changes: Mapping[str, str] = field(default_factory=lambda: {"CHANGED": "1"})
    scale: str = ""
    websocket: str = ""
    config: tuple[str, ...] = ()


def files(content: Mapping[str, str | bytes]) -> Callable[[Workshop], None]:
    """Return what writes these files."""
    return lambda workshop: workshop.write(content)


def tools_environment(own: Mapping[str, str], tools: Path, uv: Path) -> dict[str, str]:
    """Return the environment of generators: the person's own, with the platform's tools first on the PATH."""
    path = os.pathsep.join((str(tools), str(uv.parent), own.get("PATH", os.defpath)))
    quiet = {"CI": "1", "npm_config_yes": "true", "npm_config_fund": "false", "npm_config_audit": "false"}
    return {**own, **quiet, "PATH": path, "UV_PYTHON_DOWNLOADS": "never"}
