"""Late imports under one lock, and work that starts before it is needed."""

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from threading import RLock, Timer
from typing import Any

_IMPORT_LOCK = RLock()

# A function is composed by its first health check: the answer goes out before the background work starts.
DELAY_SECONDS = 0.05


class LazyModule:
    """Stands for a module; the first use of one of its attributes imports it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401 - whatever the module has
        """Return the module's attribute and keep it: the next use takes no lock."""
        with _IMPORT_LOCK:
            value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


def lazy(name: str) -> LazyModule:
    """Return a stand-in for a module that is slow to import.

    All lazy imports share one lock, attributes too, because packages may import parts of themselves on access.
    Python locks each module separately. When two threads import different parts of a package whose parts import
    each other, Python detects the deadlock and fails one of them; the Kubernetes client then stays broken in that
    process. Type checkers get the real module:

        if TYPE_CHECKING:
            import httpx
        else:
            httpx = lazy("httpx")
    """
    return LazyModule(name)


def run_soon(task: Callable[[], object]) -> None:
    """Run the task in a background thread, shortly. Errors are ignored: the first call repeats it and reports them."""
    timer = Timer(DELAY_SECONDS, _ignore_errors, [task])
    timer.daemon = True
    timer.start()


def _ignore_errors(task: Callable[[], object]) -> None:
    with suppress(Exception):
        task()
