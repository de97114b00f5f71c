"""What the demo shows: one line a step, with its duration; a live line on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Screen:
    """Writes to standard output; when piped, plain lines and no colour."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str = "") -> None:
        """Show one line."""
        self._console.print(text, style=style or None, markup=False)

    def step(self, text: str, seconds: float) -> None:
        """Show a step that is done."""
        self.say(f"  {seconds:7.2f} s  {text}")

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """Show a step when it is done; on a terminal also that it is under way."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text):
                yield
        else:
            yield
        self.step(text, time.monotonic() - started)
