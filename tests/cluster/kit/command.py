"""Programs that are asked something: what they print is the answer, what they complain of a `StepError`."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.kit.steps import StepError
from tests.patience import patient

_KEPT = 3000  # characters of a complaint


def answer_of(program: Sequence[str | Path], *words: str, text: str | None = None, seconds: float = 600) -> str:
    """Run a program, which may come with options that say nothing new, and return what it printed."""
    said = " ".join([Path(program[0]).name, *words])
    try:
        ran = subprocess.run(
            [*program, *words], input=text, capture_output=True, text=True, timeout=patient(seconds), check=False
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{said}: no end after {seconds:.0f} s"
        raise StepError(msg) from error
    if ran.returncode:
        msg = f"{said}: {ran.stderr.strip()[-_KEPT:]}"
        raise StepError(msg)
    return ran.stdout
