"""Running a build step's programs, with their output in the log."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from functions.common.errors import Rejected, SlipwayError
from functions.local.builds.log import BuildLog


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
