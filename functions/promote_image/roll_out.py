"""Asks the deployer for the workload of a release that was begun; every step is safe to repeat after a crash."""

from dataclasses import dataclass, replace

from functions.common.domain.push import PushState
from functions.common.domain.release import Release, ReleaseKind, ReleaseState, Workload
from functions.common.errors import Rejected
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded, release_failed
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventSink
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import ReleaseProgress, StartedRelease

STEP = "deploy"
_AT_ONCE = (100,)
_PUSH_STATES = {
    ReleaseState.STARTED: PushState.RELEASING,
    ReleaseState.LIVE: PushState.LIVE,
    ReleaseState.RETIRED: PushState.LIVE,
    ReleaseState.FAILED: PushState.FAILED,
    ReleaseState.SUPERSEDED: PushState.SUPERSEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How releases are rolled out: the domain of default hosts, the health path, the canary steps in percent."""

    domain: str
    health_path: str = "/"
    steps: tuple[int, ...] = (10, 25, 50, 100)

    def workload(self, begun: StartedRelease) -> Workload:
        """Return the workload of a release."""
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
            # The version that restarts is the one that runs: there is nothing to try out.
            steps=_AT_ONCE if release.kind is ReleaseKind.RESTART else self.steps,
            replicas=begun.replicas,
            cpu=begun.limits.cpu,
            memory=begun.limits.memory,
            port=begun.limits.port,
            maintenance=begun.maintenance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RollOut:
    """Asks for workloads; a release whose workload the deployer rejects fails, and its push with it."""

    deployer: Deployer
    progress: ReleaseProgress
    pushes: PushLedger
    sink: EventSink
    plan: Plan

    def __call__(
        self, begun: StartedRelease, *, refusal: str = ""
    ) -> ReleaseStarted | ReleaseSuperseded | ReleaseFailed:
        """Ask for the release's workload unless the release has ended, and bring its push to the same state.

        A refusal is why there is no workload to ask for: the release fails by it.
        """
        publish_superseded(begun.superseded, inherited=begun.release.push, pushes=self.pushes, sink=self.sink)
        release = self._deploy(begun, refusal)
        if release.push:
            state = _PUSH_STATES[release.state]
            self.pushes.advance(release.push, release.app, state, step=release.step, reason=release.reason)
        if release.state is ReleaseState.FAILED and release.step == STEP:  # rejected here, not failed later
            return release_failed(release)
        return superseded(release) if release.state is ReleaseState.SUPERSEDED else started(release)

    def _deploy(self, begun: StartedRelease, refusal: str) -> Release:
        """Return the release as it is after its workload was asked for."""
        if begun.release.state is ReleaseState.STARTED:
            if refusal:
                return self._reject_release(begun.release, refusal)
            try:
                self.deployer.apply(self.plan.workload(begun))
            except Rejected as error:
                return self._reject_release(begun.release, str(error))
        return begun.release

    def _reject_release(self, release: Release, reason: str) -> Release:
        """Fail the release, since no report would ever end it; return it as it is, if it ended in the meantime."""
        where = (release.app, release.environment, release.number)
        seen = self.progress.finish(*where, ReleaseState.FAILED, step=STEP, reason=reason)
        return seen.release if seen else replace(release, state=ReleaseState.FAILED, step=STEP, reason=reason)


def publish_superseded(displaced: tuple[Release, ...], *, inherited: str, pushes: PushLedger, sink: EventSink) -> None:
    """End the pushes of displaced releases and publish it, except the push that the new release has inherited."""
    for release in displaced:
        if release.push and release.push == inherited:
            continue
        if release.push:
            pushes.advance(release.push, release.app, PushState.SUPERSEDED, reason=release.reason)
        sink.publish(superseded(release), discriminator=f"v{release.number}")


def superseded(release: Release) -> ReleaseSuperseded:
    """Return the event of a superseded release."""
    return ReleaseSuperseded(
        app=release.app,
        environment=release.environment,
        push=release.push,
        sha=release.sha,
        reason=release.reason,
    )


def started(release: Release) -> ReleaseStarted:
    """Return the event of a release that was rolled out."""
    return ReleaseStarted(
        app=release.app,
        environment=release.environment,
        push=release.push,
        release=release.number,
        digest=release.digest,
        sha=release.sha,
    )
