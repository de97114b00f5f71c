"""The steps of a build and their log."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from functions.common.errors import Rejected, SlipwayError

# The log of one build, written so that it can be followed, and never with a secret.

_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)
END_MARK = "=====> "  # at the start of a line only here: all that programs print is indented
TAIL_LINES = 20
_READ_BACK = 16_384


class BuildLog:
    """Appends whole lines; `secrets` and the user info of every URL are replaced by `***`."""

    def __init__(self, path: Path, *, secrets: tuple[str, ...] = ()) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._secrets = tuple(secret for secret in secrets if secret)

    def header(self, text: str) -> None:
        """Begin a step."""
        self._write(f"-----> {text}")

    def line(self, text: str) -> None:
        """Write what a step or its program says."""
        self._write(f"       {text}")

    def end(self, text: str) -> None:
        """Write the end marker; nothing may follow."""
        self._write(f"{END_MARK}{text}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, text: str) -> None:
        os.write(self._file, (redacted(text.rstrip("\r\n"), self._secrets) + "\n").encode(errors="replace"))


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return the text without the secrets and without any URL's user info."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _USER_INFO.sub(r"\1***@", text)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return a URL's password as it stands and decoded."""
    password = urlsplit(url).password or ""
    return tuple({password, unquote(password)} - {""})


def log_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log, empty when there is none; the end marker does not count."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BACK))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if not line.startswith(END_MARK)][-lines:])


# Running a build step's programs, with their output in the log.


class StepFailed(SlipwayError):
    """A step of a build failed; the text is the reason, `step` its name."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(reason)
        self.step = step


_CURRENT_STEP: ContextVar[str] = ContextVar("slipway_build_step", default="build")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Runs programs in `environment`, which holds nothing of the platform's own."""

    log: BuildLog
    environment: Mapping[str, str] = field(repr=False)

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        """Name what happens inside: a Rejected there becomes StepFailed of this step."""
        self.log.header(title)
        token = _CURRENT_STEP.set(name)
        try:
            yield
        except Rejected as error:
            raise StepFailed(name, str(error)) from error
        finally:
            _CURRENT_STEP.reset(token)

    def run(
        self, argv: Sequence[str | Path], *, folder: Path, remedy: str, extra: Mapping[str, str] | None = None
    ) -> None:
        """Run a program to its end. Raises StepFailed, with the remedy, unless it exits with 0."""
        program = Path(argv[0]).name
        try:
            process = subprocess.Popen(
                [str(word) for word in argv],
                cwd=folder,
                env={**self.environment, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise StepFailed(_CURRENT_STEP.get(), f"{program} cannot be started: {error.strerror}") from error
        with process:
            for line in process.stdout or ():
                self.log.line(line.decode(errors="replace"))
        if process.returncode:
            step = _CURRENT_STEP.get()
            raise StepFailed(
                step, f"{program} failed in the step {step!r} with exit code {process.returncode}: {remedy}"
            )


# Fetching one commit of a repository.

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_LFS_SKIP_SMUDGE": "1"}


def fetch(steps: Steps, *, clone_url: str, ref: str, sha: str, folder: Path) -> None:
    """Put the commit's files, without .git, into the new folder. Raises StepFailed."""
    git = ["git", "-c", "safe.directory=*", "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=main"]
    with steps.step("fetch", f"Fetching commit {sha[:12]} of {ref.removeprefix('refs/heads/')}"):
        steps.run([*git, "init", "--quiet", folder], folder=folder.parent, remedy="is git installed?", extra=_QUIET)
        try:
            _fetch(steps, [*git, "fetch", "--quiet", "--no-tags", "--depth=1", "--", clone_url, sha], folder)
        except StepFailed:
            # Some servers give only what a branch names: then the branch, with its history.
            _fetch(steps, [*git, "fetch", "--quiet", "--no-tags", "--", clone_url, ref], folder)
        remedy = f"commit {sha} is not in {ref}: was it replaced by a force push? Push again"
        steps.run([*git, "checkout", "--quiet", "--detach", sha], folder=folder, remedy=remedy, extra=_QUIET)
        shutil.rmtree(folder / ".git")


def _fetch(steps: Steps, argv: list[str | Path], folder: Path) -> None:
    remedy = "the repository cannot be read; check its URL and that the platform may read it"
    steps.run(argv, folder=folder, remedy=remedy, extra=_QUIET)
