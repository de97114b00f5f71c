"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.patience import patient

_T = TypeVar("_T")


# Of the time of a wait, a fifth at most is for the question: what is waited for needs the processor too.
_SHARE, _LONGEST_PAUSE = 5, 0.3


def until(found: Callable[[], _T | None], *, seconds: float = 20, every: float = 0.02, why: str = "it") -> _T:
    """Return the first true answer. Raises AssertionError when none comes in time."""
    deadline = time.monotonic() + patient(seconds)
    while True:
        asked = time.monotonic()
        answer = found()
        if answer:
            return answer
        now = time.monotonic()
        if now > deadline:
            msg = f"waited {patient(seconds):g} s for {why}, last answer: {answer!r}"
            raise AssertionError(msg)
        time.sleep(max(every, min(_LONGEST_PAUSE, _SHARE * (now - asked))))
