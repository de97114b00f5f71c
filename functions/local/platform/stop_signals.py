"""Ctrl-C, the wish of another process, a terminal that is closed: each ends what runs in the foreground, once."""

import signal
from contextlib import suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C, closed the terminal, or asked by signal."""


def stop_at_signals() -> None:
    """Have the first signal say so and raise StopRequested here, and those after it do nothing."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # stopping takes seconds at most, and is not to be cut short
    with suppress(OSError):  # the terminal may be gone
        print("\nstopping", flush=True)
    raise StopRequested
