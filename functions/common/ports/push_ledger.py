"""What became of each push: one row for each push and app."""

from typing import Protocol

from functions.common.domain.push import Push, PushState


class PushLedger(Protocol):
    """The state machine of pushes; final states do not change."""

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest and return it with its sequence.

        In one transaction: a push already recorded is returned as it is (a redelivery); one whose sha
        is that of the newest push since the environment was opened, but for failed and superseded ones,
        is recorded as ignored (`duplicate`). Raises Unavailable when the environment is gone.
        """
        ...

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a push that ends here (ignored or superseded), or return the one already recorded."""
        ...

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; return False, changing nothing, when it is there already or has ended."""
        ...
