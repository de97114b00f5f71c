"""One-off commands in the image and config of a release."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from functions.common.domain.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A one-off command. `exit_code` is None until it has ended; `reason` says why it was ended or did not start.

    `tty` gives it a terminal of `columns` and `rows`, `interactive` lets it read input. The command may hold secrets:
    never log or publish it.
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
        """Record the end, once."""
        ...


class OneOffRunner(Protocol):
    """Runs commands beside what runs, for a limited time."""

    def start(self, run: Run, release: Release) -> None:
        """Start the command with the release's image and config and return at once; a repeat starts no second one.

        Raises Rejected when it can never start.
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
        """Whether runs can read input and have a terminal."""
        ...

    def read(self, run: Run, offset: int) -> RunOutput:
        """Return the output from the byte offset on; its end is reported when all of the output was read."""
        ...

    def write(self, run: Run, data: bytes, *, eof: bool = False, columns: int = 0, rows: int = 0) -> None:
        """Give the run input, its end, or a new size of its terminal."""
        ...
