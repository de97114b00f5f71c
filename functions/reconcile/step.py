"""What a tick consists of."""

from typing import Protocol


class Step(Protocol):
    """Compares one kind of thing and sends the events that are missing; at rest it is a few queries."""

    def __call__(self) -> None:
        """Do it, a bounded amount at a time."""
        ...
