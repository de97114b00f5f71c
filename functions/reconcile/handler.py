"""A tick of the clock: the steps, one after another, each for itself."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from functions.common.events.envelope import Envelope
from functions.common.ports.clock import TickLock

# What a tick consists of.


class Step(Protocol):
    """Compares one kind of thing and sends the events that are missing; at rest it is a few queries."""

    def __call__(self) -> None:
        """Do it, a bounded amount at a time."""
        ...


# Does one thing for each of many, so that one that fails does not stop the others.

T = TypeVar("T")

_log = logging.getLogger("slipway")


def for_each(items: Iterable[T], do: Callable[[T], None], *, what: str) -> None:
    """Call `do` with each item; a failure is logged as `what` could not be done, and the next comes."""
    for item in items:
        try:
            do(item)
        except Exception as error:  # noqa: BLE001 - the next tick tries again, whatever went wrong
            _log.warning("reconcile %s: %s: %s", what, type(error).__name__, error, exc_info=error)


# Each tick compares what is with what should be, step by step.


def handle(_tick: Envelope, *, lock: TickLock, steps: Mapping[str, Step]) -> None:
    """Run the steps in order unless another tick is at work; one that fails does not stop the others."""
    with lock.held() as alone:
        if alone:
            for name, step in steps.items():
                for_each([step], lambda run: run(), what=name)
