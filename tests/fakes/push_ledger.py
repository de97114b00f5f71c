"""The state machine of pushes in memory."""

from dataclasses import dataclass, replace

from functions.common.domain.push import Push, PushState
from functions.common.errors import Unavailable
from tests.fakes.ledger_state import LedgerState

_ORDER = [PushState.RECEIVED, PushState.BUILDING, PushState.RELEASING]


@dataclass(frozen=True, slots=True)
class FakePushLedger:
    """PushLedger."""

    state: LedgerState

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest; see PushLedger."""
        self.state.check()
        if (push.id, push.app) in self.state.pushes:
            return self.state.pushes[push.id, push.app]
        place = self.state.places.get((push.app, push.environment))
        if place is None:
            msg = f"push {push.id}: {push.app}/{push.environment} is gone"
            raise Unavailable(msg)
        newest = self._newest(push, place.opened)
        if newest is not None and newest.sha == push.sha:
            reason = f"the commit is already there: push {newest.id} of the same commit was taken before"
            return self._kept(replace(push, state=PushState.IGNORED, code="duplicate", reason=reason, sequence=0))
        place.sequence = max([place.sequence, *(known.sequence for known in self._of(push))]) + 1
        place.pushed = next(self.state.ticks)
        return self._kept(replace(push, state=PushState.RECEIVED, sequence=place.sequence, code="", reason=""))

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a push that ends here; see PushLedger."""
        self.state.check()
        return self.state.pushes.get((push.id, push.app)) or self._kept(
            replace(push, code=code or push.code, sequence=0, step="")
        )

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; see PushLedger."""
        self.state.check()
        push = self.state.pushes.get((push_id, app))
        if push is None or push.state.is_final:
            return False
        if not state.is_final and _ORDER.index(state) <= _ORDER.index(push.state):
            return False
        self.state.pushes[push_id, app] = replace(push, state=state, step=step, reason=reason)
        return True

    def _of(self, push: Push) -> list[Push]:
        known = self.state.pushes.values()
        return [other for other in known if (other.app, other.environment) == (push.app, push.environment)]

    def _newest(self, push: Push, opened: int) -> Push | None:
        lost = {PushState.FAILED, PushState.SUPERSEDED}
        taken = [
            other
            for other in self._of(push)
            if other.sequence and other.state not in lost and self.state.received[other.id, other.app] >= opened
        ]
        return max(taken, key=lambda other: other.sequence, default=None)

    def _kept(self, push: Push) -> Push:
        self.state.pushes[push.id, push.app] = push
        self.state.received[push.id, push.app] = next(self.state.ticks)
        return push
