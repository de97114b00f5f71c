"""Compares the actual state with the desired one at each tick of the clock, step by step."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from functions.common.events.envelope import Envelope
from functions.common.ports.clock import TickLock

T = TypeVar("T")

_log = logging.getLogger("slipway")


class Step(Protocol):
    """Compares one kind of thing and publishes the events that are missing; it costs a few queries if none are."""

    def __call__(self) -> None:
        """Do a limited amount of work."""
        ...


def handle(_tick: Envelope, *, lock: TickLock, steps: Mapping[str, Step]) -> None:
    """Run the steps in order, unless another tick is running; a step that fails does not stop the others."""
    with lock.try_acquire() as acquired:
        if acquired:
            for name, step in steps.items():
                for_each([step], lambda run: run(), what=name)


def for_each(items: Iterable[T], do: Callable[[T], None], *, what: str) -> None:
    """Call `do` with each item; an item that fails is logged and does not stop the others."""
    for item in items:
        try:
            do(item)
        except Exception as error:  # noqa: BLE001 - the next tick tries again, whatever went wrong
            _log.warning("reconcile %s: %s: %s", what, type(error).__name__, error, exc_info=error)
