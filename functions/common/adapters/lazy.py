"""What is done late or ahead: imports under one lock, and work that begins before it is needed."""

from collections.abc import Callable
from contextlib import suppress
from threading import RLock, Timer

# One thread at a time imports what is imported late, wherever that stands.

# Packages that are slow to import are imported when they are first needed, by whichever thread comes to it. Python
# locks each module for itself: a thread inside a package that imports a part of it, and a thread that asks for that
# part and then needs the package, wait for each other. Python sees that and fails one of them; the Kubernetes client,
# whose parts import each other in circles, is then broken in that process for good.
IMPORT_LOCK = RLock()


# What a first event will need is done before it comes, by a thread of its own.

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
