"""From a release that was begun to a workload that was asked for; safe to repeat after a crash anywhere."""

from dataclasses import dataclass

from functions.common.domain.push import PushState
from functions.common.domain.release import Release, ReleaseState
from functions.common.errors import Rejected
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded, release_failed
from functions.common.ports.deployer import Deployer
from functions.common.ports.event_sink import EventSink
from functions.common.ports.push_ledger import PushLedger
from functions.common.ports.release_ledger import Begun
from functions.common.ports.release_progress import ReleaseProgress
from functions.promote_image.plan import Plan
from functions.promote_image.refused import end_refused, is_refused
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
    """Asks for workloads; a release whose workload is refused ends failed, and its push with it."""

    deployer: Deployer
    progress: ReleaseProgress
    pushes: PushLedger
    sink: EventSink
    plan: Plan

    def __call__(self, begun: Begun) -> ReleaseStarted | ReleaseSuperseded | ReleaseFailed:
        """Ask for the release's workload unless it has ended by now, and bring its push to the same state."""
        tell_superseded(begun.displaced, heir=begun.release.push, pushes=self.pushes, sink=self.sink)
        release = self._asked(begun)
        if release.push:
            state = _PUSH_STATES[release.state]
            self.pushes.advance(release.push, release.app, state, step=release.step, reason=release.reason)
        if is_refused(release):
            return release_failed(release)
        return superseded(release) if release.state is ReleaseState.SUPERSEDED else _started(release)

    def _asked(self, begun: Begun) -> Release:
        """Return the release as it is once its workload was asked for."""
        if begun.release.state is ReleaseState.STARTED:
            try:
                self.deployer.apply(self.plan.workload(begun))
            except Rejected as error:
                return end_refused(begun.release, str(error), self.progress)
        return begun.release


def _started(release: Release) -> ReleaseStarted:
    return ReleaseStarted(
        app=release.app,
        environment=release.environment,
        push=release.push,
        release=release.number,
        digest=release.digest,
        sha=release.sha,
    )
