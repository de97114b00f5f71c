"""One-off commands in the image and config of a release."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from functions.common.domain.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A one-off command. `exit_code` is None until it has ended; `reason` says why it was ended or did not start.

    `tty` gives it a terminal of `columns` and `rows`, `interactive` lets it read input. `waiting` is one that starts
    when its input is whole. The command and its input may hold secrets: never log or publish them.
    """

    id: str
    app: str
    environment: str
    release: int
    command: tuple[str, ...] = field(repr=False)
    actor: str
    seconds: int
    tty: bool = False
    interactive: bool = False
    columns: int = 80
    rows: int = 24
    waiting: bool = False
    exit_code: int | None = None
    reason: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None


class Runs(Protocol):
    """Records runs."""

    def add(self, run: Run) -> str:
        """Record a run and return its id."""
        ...

    def find(self, run: str) -> Run | None:
        """Return one."""
        ...

    def of_app(self, app: str, *, limit: int) -> tuple[Run, ...]:
        """Return the app's newest runs, newest first."""
        ...

    def end(self, run: str, exit_code: int, *, reason: str = "") -> None:
        """Record the end, once, and delete the input."""
        ...


class RunInputs(Protocol):
    """Keeps the input of commands that start when it is whole."""

    def append(self, run: str, data: bytes, *, offset: int) -> int:
        """Add data at an offset and return the length of the input; a repeat and data elsewhere change nothing."""
        ...

    def close(self, run: str) -> bool:
        """Record that the input is whole; False when it was already."""
        ...

    def read(self, run: str) -> bytes | None:
        """Return the whole input; None for a command that reads none."""
        ...


class OneOffRunner(Protocol):
    """Runs commands beside what runs, for a limited time."""

    def start(self, run: Run, release: Release, *, given: bytes | None) -> None:
        """Start the command with the release's image and config and return at once; a repeat starts no second one.

        `given` is the input of one that waited for it. Raises Rejected when it can never start.
        """
        ...

    def stop(self, run: Run) -> None:
        """End the command; one that has ended, or never started, is not an error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """Output of a run from an offset on, and how it ended: `exit_code` is None while it runs."""

    data: bytes
    next_offset: int
    exit_code: int | None = None
    reason: str = ""


class RunConsole(Protocol):
    """Reads the output of runs, and gives them input where the platform can."""

    @property
    def is_interactive(self) -> bool:
        """Whether runs read input while they run, and have a terminal; else their input must be whole before."""
        ...

    def read(self, run: Run, offset: int) -> RunOutput:
        """Return the output from the byte offset on; its end is reported when all of the output was read."""
        ...

    def write(self, run: Run, data: bytes, *, eof: bool = False, columns: int = 0, rows: int = 0) -> None:
        """Give the run input, its end, or a new size of its terminal."""
        ...
