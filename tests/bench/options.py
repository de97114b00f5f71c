"""How thoroughly to measure, and what."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.checkout import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`platforms` are that of this checkout and, with --against, that of the other one; `quick` measures less often."""

    quick: bool
    platforms: Sequence[Platform] = ()

    def pick(self, thorough: int, quick: int) -> int:
        """Return how often to measure."""
        return quick if self.quick else thorough


def say(text: str) -> None:
    """Report progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)
