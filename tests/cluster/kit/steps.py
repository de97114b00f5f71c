"""Steps of the kit: what each does, how long it took, and why it failed."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.patience import patient

_MAX_ERROR = 3000  # characters of a program's error


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text` before the block, and its seconds after it."""
    print(f"  {text} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(f" failed after {time.monotonic() - started:.1f} s", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


class StepError(Exception):
    """A step failed; the text names the cause and what to do."""


def wait_until(what: str, is_done: Callable[[], bool], *, seconds: float) -> None:
    """Call `is_done` until it is true. Raises StepError naming `what` after `seconds`."""
    until = time.monotonic() + patient(seconds)
    while not is_done():
        if time.monotonic() > until:
            msg = f"{what} was not ready after {patient(seconds):.0f} s"
            raise StepError(msg)
        time.sleep(0.2)


def output_of(program: Sequence[str | Path], *words: str, text: str | None = None, seconds: float = 600) -> str:
    """Run a program and return what it printed; errors name its file and `words`. Raises StepError when it fails."""
    command = " ".join([Path(program[0]).name, *words])
    try:
        ran = subprocess.run(
            [*program, *words], input=text, capture_output=True, text=True, timeout=patient(seconds), check=False
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{command} did not end within {patient(seconds):.0f} s"
        raise StepError(msg) from error
    if ran.returncode:
        msg = f"{command}: {ran.stderr.strip()[-_MAX_ERROR:]}"
        raise StepError(msg)
    return ran.stdout
