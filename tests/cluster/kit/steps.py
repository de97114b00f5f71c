"""Each step says what it does and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.patience import patient


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text` before, and the seconds after."""
    print(f"  {text} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(f" failed after {time.monotonic() - started:.1f} s", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


class StepError(Exception):
    """A step cannot be done; the text names the thing and the remedy."""


def wait_until(what: str, is_done: Callable[[], bool], *, seconds: float) -> None:
    """Ask `is_done` until it is true; raise `StepError` naming `what` after `seconds`."""
    until = time.monotonic() + patient(seconds)
    while not is_done():
        if time.monotonic() > until:
            msg = f"{what} was not ready after {patient(seconds):.0f} s"
            raise StepError(msg)
        time.sleep(0.2)
