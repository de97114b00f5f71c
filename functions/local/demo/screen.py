"""The output of the demo: one line for each step, with its duration; on a terminal also the current step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Screen:
    """Writes to standard output: plain lines without colour when that is not a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str = "") -> None:
        """Show one line."""
        self._console.print(text, style=style or None, markup=False)

    def step(self, text: str, seconds: float) -> None:
        """Show a finished step."""
        self.say(f"  {seconds:7.2f} s  {text}")

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """Show the block as a step when it is finished; on a terminal also while it runs."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text):
                yield
        else:
            yield
        self.step(text, time.monotonic() - started)
