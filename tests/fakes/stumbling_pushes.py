"""A push ledger that fails once, to test what a function does when it is called again."""

from dataclasses import dataclass

from functions.common.domain.push import Push, PushState
from functions.common.errors import Unavailable
from functions.common.ports.pushes import PushLedger


@dataclass(slots=True)
class StumblingPushes:
    """PushLedger in front of another; one chosen call of `advance` fails without an effect."""

    ledger: PushLedger
    left: int = 0

    def fail_at(self, call: int) -> None:
        """Make the call of this number, counted from now, fail."""
        self.left = call

    def admit(self, push: Push) -> Push:
        """Forward."""
        return self.ledger.admit(push)

    def record(self, push: Push, *, code: str = "") -> Push:
        """Forward."""
        return self.ledger.record(push, code=code)

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Forward, or fail."""
        self.left -= 1
        if self.left == 0:
            msg = "gone for a moment"
            raise Unavailable(msg)
        return self.ledger.advance(push_id, app, state, step=step, reason=reason)
