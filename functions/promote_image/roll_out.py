"""From a release that was begun to a workload that was asked for; safe to repeat after a crash anywhere."""

from dataclasses import dataclass, replace

from functions.common.domain.push import PushState
from functions.common.domain.release import Release, ReleaseState, Workload
from functions.common.errors import Rejected
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded, release_failed
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventSink
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import Begun, ReleaseProgress

# What a release asks the deployer for.


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How releases go: the domain of default hosts, the path that must answer, the traffic steps in percent."""

    domain: str
    health_path: str = "/"
    steps: tuple[int, ...] = (10, 25, 50, 100)

    def workload(self, begun: Begun) -> Workload:
        """Return what is to run for a release."""
        release = begun.release
        return Workload(
            app=release.app,
            environment=release.environment,
            label=begun.label,
            hosts=(f"{begun.label}.{self.domain}", *begun.custom_domains),
            release=release.number,
            push=release.push,
            sha=release.sha,
            digest=release.digest,
            image=release.image,
            processes=release.processes,
            config=release.config,
            health_path=self.health_path,
            steps=self.steps,
        )


# A release whose workload is refused for good has ended: nothing would ever be observed of it.

STEP = "deploy"


def end_refused(release: Release, reason: str, progress: ReleaseProgress) -> Release:
    """Fail the release and return it as it is now: one that ended meanwhile stays as it is."""
    where = (release.app, release.environment, release.number)
    seen = progress.finish(*where, ReleaseState.FAILED, step=STEP, reason=reason)
    return seen.release if seen else replace(release, state=ReleaseState.FAILED, step=STEP, reason=reason)


def is_refused(release: Release) -> bool:
    """Return whether the release failed here, and not after it was asked for."""
    return release.state is ReleaseState.FAILED and release.step == STEP


# Tells what was superseded.


def tell_superseded(displaced: tuple[Release, ...], *, heir: str, pushes: PushLedger, sink: EventSink) -> None:
    """End the pushes of displaced releases and publish it; a push that the `heir` release carries on is not over."""
    for release in displaced:
        if release.push and release.push == heir:
            continue
        if release.push:
            pushes.advance(release.push, release.app, PushState.SUPERSEDED, reason=release.reason)
        sink.publish(superseded(release), discriminator=f"v{release.number}")


def superseded(release: Release) -> ReleaseSuperseded:
    """Return the event for a release that was superseded."""
    return ReleaseSuperseded(
        app=release.app,
        environment=release.environment,
        push=release.push,
        sha=release.sha,
        reason=release.reason,
    )


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
