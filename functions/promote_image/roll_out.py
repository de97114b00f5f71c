"""From a release that was begun to a workload that was asked for; safe to repeat after a crash anywhere."""

from dataclasses import dataclass

from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.release import ReleaseStarted, ReleaseSuperseded
from functions.common.ports.deployer import Deployer
from functions.common.ports.event_sink import EventSink
from functions.common.ports.push_ledger import PushLedger
from functions.common.ports.release_ledger import Begun
from functions.promote_image.plan import Plan
from functions.promote_image.supersede import superseded, tell_superseded

_PUSH_STATES = {
    ReleaseState.STARTED: PushState.RELEASING,
    ReleaseState.LIVE: PushState.LIVE,
    ReleaseState.RETIRED: PushState.LIVE,
    ReleaseState.FAILED: PushState.FAILED,
    ReleaseState.SUPERSEDED: PushState.SUPERSEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RollOut:
    """Asks for workloads."""

    deployer: Deployer
    pushes: PushLedger
    sink: EventSink
    plan: Plan

    def __call__(self, begun: Begun) -> ReleaseStarted | ReleaseSuperseded:
        """Ask for the release's workload unless it has ended by now, and bring its push to the same state."""
        release = begun.release
        tell_superseded(begun.displaced, heir=release.push, pushes=self.pushes, sink=self.sink)
        if release.state is ReleaseState.STARTED:
            self.deployer.apply(self.plan.workload(begun))
        if release.push:
            state = _PUSH_STATES[release.state]
            self.pushes.advance(release.push, release.app, state, step=release.step, reason=release.reason)
        if release.state is ReleaseState.SUPERSEDED:
            return superseded(release)
        return ReleaseStarted(
            app=release.app,
            environment=release.environment,
            push=release.push,
            release=release.number,
            digest=release.digest,
            sha=release.sha,
        )
