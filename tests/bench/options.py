"""How thoroughly to measure."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`quick` measures less often: for a look, not for a judgement."""

    quick: bool

    def pick(self, thorough: int, quick: int) -> int:
        """Return how often."""
        return quick if self.quick else thorough


def say(text: str) -> None:
    """Tell how far it is, beside the results."""
    print(text, file=sys.stderr, flush=True)
