"""Each tick compares what is with what should be, step by step."""

from collections.abc import Mapping

from functions.common.events.envelope import Envelope
from functions.common.ports.tick_lock import TickLock
from functions.reconcile.each import for_each
from functions.reconcile.step import Step


def handle(_tick: Envelope, *, lock: TickLock, steps: Mapping[str, Step]) -> None:
    """Run the steps in order unless another tick is at work; one that fails does not stop the others."""
    with lock.held() as alone:
        if alone:
            for name, step in steps.items():
                for_each([step], lambda run: run(), what=name)
