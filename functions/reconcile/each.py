"""Does one thing for each of many, so that one that fails does not stop the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger("slipway")


def for_each(items: Iterable[T], do: Callable[[T], None], *, what: str) -> None:
    """Call `do` with each item; a failure is logged as `what` could not be done, and the next comes."""
    for item in items:
        try:
            do(item)
        except Exception as error:  # noqa: BLE001 - the next tick tries again, whatever went wrong
            _log.warning("reconcile %s: %s: %s", what, type(error).__name__, error, exc_info=error)
