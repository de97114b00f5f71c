"""The steps of a build and their log."""

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from functions.common.errors import Rejected, SlipwayError
from functions.local.builds.causes import known_cause
from functions.local.files import free_bytes

Argv = list[str | Path]
_USER_INFO = re.compile(r"://[^/@\s]+@")
END_MARK = "=====> "  # no other line begins with it: what programs print is indented
TAIL_LINES = 20
_READ_BACK_BYTES = 16_384
_MAX_LOG_BYTES = 10 * 1024**2
_MAX_LINE_BYTES = 65_536
_MAX_OUTPUT_BYTES = 100 * 1024**2
_LITTLE_ROOM_BYTES = 16 * 1024**2
_REMEMBERED_LINES = 200  # the cause of a failure is among the last ones


class BuildLog:
    """The log of one build: whole lines, in which `***` replaces `secrets` and the user info of every URL.

    It is limited to 10 MB. A line that cannot be written, because the disk is full, is dropped.
    """

    def __init__(self, path: Path, *, secrets: tuple[str, ...] = ()) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._is_cut = False

    def header(self, text: str) -> None:
        """Begin a step."""
        self._write(f"-----> {text}")

    def line(self, text: str) -> None:
        """Write a line about a step, or one that its program printed."""
        self._write(f"       {text}")

    def end(self, text: str) -> None:
        """Write the end marker; nothing may follow."""
        self._append(f"{END_MARK}{text}".replace("\n", " "))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, text: str) -> None:
        if self._is_cut:
            return
        self._is_cut = os.fstat(self._file).st_size + len(text) > _MAX_LOG_BYTES
        self._append("       (the log is cut off here: it has reached 10 MB)" if self._is_cut else text)

    def _append(self, text: str) -> None:
        # A name or reason of several lines, which a repository chose, begins no line of the log.
        whole = redacted(text.rstrip("\r\n"), self._secrets).replace("\n", "\n       ")
        with suppress(OSError):
            os.write(self._file, f"{whole}\n".encode(errors="replace"))


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return the text without the secrets and without any URL's user info."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _USER_INFO.sub("://***@", text)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return a URL's password, encoded and decoded."""
    password = urlsplit(url).password or ""
    return tuple({password, unquote(password)} - {""})


def log_tail(path: Path, lines: int = TAIL_LINES, *, start: int = 0) -> str:
    """Return the last lines of a log, from a byte on, without the end marker; empty when there is no log."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(start if start <= size else 0, size - _READ_BACK_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if not line.startswith(END_MARK)][-lines:])


class StepFailed(SlipwayError):
    """A step of a build failed; the text is the reason."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(reason)
        self.step = step


_CURRENT_STEP: ContextVar[str] = ContextVar("slipway_build_step", default="build")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Runs the programs of build steps in `environment`, with their output in the log.

    `confine` returns the command by which a program that runs an app's code is confined, but for the folders `reads`.
    After each of these `check` raises Rejected where it left links that would lead the platform elsewhere.
    """

    log: BuildLog
    environment: Mapping[str, str] = field(repr=False)
    confine: Callable[[Sequence[str], Path, Mapping[str, str], Sequence[str]], Sequence[str]]
    reads: tuple[str, ...] = ()
    check: Callable[[], None] = lambda: None

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        """Name the step of the block: a Rejected or OSError in it becomes this step's StepFailed."""
        self.log.header(title)
        token = _CURRENT_STEP.set(name)
        try:
            yield
        except (Rejected, OSError) as error:
            raise StepFailed(name, str(error)) from error
        finally:
            _CURRENT_STEP.reset(token)

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        remedy: str,
        extra: Mapping[str, str] | None = None,
        confined: bool = True,
        name: str = "",
    ) -> None:
        """Run a program. Raises StepFailed, with the cause if it is known and else the remedy, unless it exits with 0.

        Its output ends with it, as what a confined program leaves in the background ends with it too. `name` is what
        the reason calls it, where another program starts it.
        """
        program, command = name or Path(argv[0]).name, [str(word) for word in argv]
        environment = {**self.environment, **(extra or {})}
        try:
            process = subprocess.Popen(
                self.confine(command, folder, environment, self.reads) if confined else command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise StepFailed(_CURRENT_STEP.get(), f"{program} cannot be started: {error.strerror}") from error
        with process:
            lines = self._log_output(program, process)
        if confined:
            self.check()
        if process.returncode:
            step = _CURRENT_STEP.get()
            why = known_cause([line.rstrip() for line in lines]) or remedy
            reason = f"{program} failed in the step {step!r} with exit code {process.returncode}: {why}"
            raise StepFailed(step, reason + little_room(folder))

    def ask(
        self,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        extra: Mapping[str, str] | None = None,
        only_output: bool = False,
    ) -> tuple[bool, str]:
        """Run a program that runs no code of the app, and return whether it succeeded and what it printed.

        `only_output` leaves out what it printed as errors.
        """
        try:
            process = subprocess.run(
                [str(word) for word in argv],
                cwd=folder,
                env={**self.environment, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if only_output else subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise StepFailed(
                _CURRENT_STEP.get(), f"{Path(argv[0]).name} cannot be started: {error.strerror}"
            ) from error
        return not process.returncode, process.stdout.decode(errors="replace")

    def _log_output(self, program: str, process: "subprocess.Popen[bytes]") -> list[str]:
        """Copy the output into the log, and return its last lines."""
        printed, last = 0, deque[str](maxlen=_REMEMBERED_LINES)
        while process.stdout and (line := process.stdout.readline(_MAX_LINE_BYTES)):
            last.append(line.decode(errors="replace"))
            self.log.line(last[-1])
            printed += len(line)
            if printed > _MAX_OUTPUT_BYTES:
                process.kill()
                msg = f"{program} printed more than {_MAX_OUTPUT_BYTES // 1024**2} MiB, which no log can hold"
                raise StepFailed(_CURRENT_STEP.get(), msg)
        return list(last)


def succeeds(argv: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str]) -> bool:
    """Return whether a program that answers a question exits with 0; its output is of no interest."""
    return not subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False).returncode


def little_room(folder: Path) -> str:
    """Return the end of a sentence about a failure where the disk is full or nearly so, otherwise nothing."""
    free = free_bytes(folder)
    return f"; the disk has only {free // 1024} kB left" if free < _LITTLE_ROOM_BYTES else ""
