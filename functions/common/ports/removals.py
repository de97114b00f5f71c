"""What is not to run any more, remembered beyond what ran."""

from typing import Protocol


class Removals(Protocol):
    """Keeps, for each environment, up to which release number everything was removed."""

    def note(self, app: str, environment: str, *, through: int) -> None:
        """Remember the number, unless a greater one is known."""
        ...

    def through(self, app: str, environment: str) -> int:
        """Return the number, 0 when nothing was removed."""
        ...
