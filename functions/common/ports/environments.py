"""The environments of apps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The environment as it stands; `fresh` until the first push since its opening is admitted.

    Who opens a fresh preview announces it before admitting a push: after a crash in between, the next
    caller finds it fresh still.
    """

    environment: Environment
    fresh: bool


class Environments(Protocol):
    """Opens and closes environments."""

    def open(self, wanted: Environment) -> Opened:
        """Make sure that the branch has its environment, open; a closed preview is opened again.

        A branch keeps the preview it had. One whose name another branch holds gets another name.
        """
        ...

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; return all that are closed now, before this call too, by app."""
        ...
