"""What a first event will need is done before it comes, by a thread of its own."""

from collections.abc import Callable
from contextlib import suppress
from threading import Timer

# A function is composed when it is first asked whether it is there: that answer goes out before anything else is done.
PAUSE_SECONDS = 0.05


def ahead(do: Callable[[], object]) -> None:
    """Do it in a moment. It tells of no failure: who needs it does it again, and tells."""
    timer = Timer(PAUSE_SECONDS, _quietly, [do])
    timer.daemon = True
    timer.start()


def _quietly(do: Callable[[], object]) -> None:
    with suppress(Exception):
        do()
