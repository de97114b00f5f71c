"""What is recorded of pushes, in memory."""

from dataclasses import dataclass

from functions.common.domain.push import Push, PushState, is_zero
from functions.common.ports.pushes import Base, Lineage
from tests.fakes.ledger_state import LedgerState


@dataclass(frozen=True, slots=True)
class FakePushHistory:
    """PushHistory."""

    state: LedgerState

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return what is recorded of a push; see PushHistory."""
        self.state.check()
        return tuple(push for (known, _), push in sorted(self.state.pushes.items()) if known == push_id)

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return where the push stands; see PushHistory."""
        self.state.check()
        where = (push.app, push.repository, push.ref)
        beside = [other for other in self.state.pushes.values() if (other.app, other.repository, other.ref) == where]
        beside = [other for other in beside if other.id != push.id]
        return Lineage(
            base=_base(push, beside),
            head_ignored=any(other.sha == head and _filtered(other) for other in beside),
            overtaken=_followed(push, beside) or (is_zero(push.before) and self._made_already(beside)),
        )

    def _made_already(self, beside: list[Push]) -> bool:
        ends = [self.state.received[other.id, other.app] for other in beside if is_zero(other.sha)]
        for other in beside:
            place = self.state.places.get((other.app, other.environment))
            end = max([*ends, place.closed if place else 0])
            if not is_zero(other.sha) and self.state.received[other.id, other.app] > end:
                return True
        return False


def _base(push: Push, beside: list[Push]) -> Base:
    bases = [other for other in beside if other.sha == push.before]
    if any(other.state is not PushState.SUPERSEDED or other.sequence for other in bases):
        return Base.SETTLED
    return Base.DROPPED if bases else Base.UNKNOWN if beside else Base.FIRST


def _followed(push: Push, beside: list[Push]) -> bool:
    reached, before = {push.sha}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {other.sha for other in beside if other.before in reached and _filtered(other)}
    return any(other.before in reached and other.sha != push.before and not _filtered(other) for other in beside)


def _filtered(push: Push) -> bool:
    return push.state is PushState.IGNORED and push.code in {"skip-ci", "paths"}
