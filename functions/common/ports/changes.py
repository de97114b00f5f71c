"""A change of the state together with the events that tell of it: both, or neither."""

from contextlib import AbstractContextManager
from typing import Protocol

from functions.common.events.base import Event


class Change(Protocol):
    """One transaction; what other adapters of the same database write inside it belongs to it."""

    def announce(self, event: Event, *, discriminator: str = "") -> str:
        """Record an event that follows from events.base.CURRENT_CAUSE and return its id; sent after the commit."""
        ...

    @property
    def queued(self) -> bool:
        """Whether, after the commit, the broker did not take every event: reconcile sends the others."""
        ...


class Changes(Protocol):
    """Begins changes."""

    def begin(self) -> AbstractContextManager[Change]:
        """Commit at the end of the block, then send the events; an error in the block leaves nothing.

        An event that the broker does not take now is kept (EventOutbox), so sending raises nothing.
        """
        ...
