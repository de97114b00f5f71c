"""Pushes and releases that do not move: asked about, repeated, ended at their deadline."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.domain.build import BuildResult, BuildState, build_name
from functions.common.domain.push import Push, PushState
from functions.common.domain.release import Release, ReleaseState
from functions.common.events.base import Event
from functions.common.events.build import BuildEnded, BuildFailed, BuildRequested, ImagePublished
from functions.common.events.envelope import Envelope
from functions.common.events.push import PushReceived
from functions.common.events.release import ReleaseFailed, WorkloadChanged
from functions.common.ports.builds import Builder
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventLog, EventSink
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import ReleaseArchive, ReleaseLimits, ReleaseProgress
from functions.common.ports.stuck_work import StuckPush, StuckPushes, StuckRelease, StuckReleases
from functions.reconcile.handler import for_each

# Ends what made no progress for too long, so that every push ends.

STEP = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Fails pushes and releases that stand still for longer than `limit`."""

    limit: timedelta
    pushes: PushLedger
    builder: Builder
    archive: ReleaseArchive
    progress: ReleaseProgress
    sink: EventSink

    def end_build(self, push: Push, build: str) -> None:
        """Fail a push that has no image yet; its build is cancelled."""
        if build:
            self.builder.cancel(build)
        if not self.pushes.advance(push.id, push.app, PushState.FAILED, step=STEP, reason=self.reason):
            return
        where = {"app": push.app, "environment": push.environment, "push": push.id, "repository": push.repository}
        self.sink.publish(
            BuildFailed(**where, build=build, sha=push.sha, step=STEP, reason=self.reason), discriminator=push.id
        )

    def end_push(self, push: Push) -> None:
        """Fail a push that is being released, and its release."""
        newest = self.archive.newest(push.app, push.environment)
        if newest and newest.push == push.id and newest.state is ReleaseState.STARTED:
            self.end_release(newest)
        elif self.pushes.advance(push.id, push.app, PushState.FAILED, step=STEP, reason=self.reason):
            self._tell(push.app, push.environment, push.id, 0, push.sha)

    def end_release(self, release: Release) -> None:
        """Fail an unfinished release; what ran before it serves on."""
        where = (release.app, release.environment, release.number)
        seen = self.progress.finish(*where, ReleaseState.FAILED, step=STEP, reason=self.reason)
        if seen is None or seen.release.state is not ReleaseState.FAILED:
            return
        if release.push:
            self.pushes.advance(release.push, release.app, PushState.FAILED, step=STEP, reason=self.reason)
        self._tell(release.app, release.environment, release.push, release.number, release.sha)

    @property
    def reason(self) -> str:
        """Why, in words."""
        return f"no progress for {round(self.limit.total_seconds() / 60) or 1} minutes: push again"

    def _tell(self, app: str, environment: str, push: str, number: int, sha: str) -> None:
        failed = ReleaseFailed(
            app=app, environment=environment, push=push, release=number, sha=sha, step=STEP, reason=self.reason
        )
        self.sink.publish(failed, discriminator=f"{push}/{number}")


# What was observed of builds and workloads, as the events that tell of it.


def end_of(seen: WorkloadChanged, limits: ReleaseLimits) -> WorkloadChanged | None:
    """Return a release's final report: the one that was seen, or that it was given up; None for one on its way."""
    is_final = seen.phase in {"live", "failed"}
    return seen if is_final else limits.enforce(seen.app, seen.environment)


def build_ended(push: Push, seen: BuildResult) -> BuildEnded:
    """Return the report of a build that has ended, as its builder would send it."""
    states = {BuildState.SUCCEEDED: "succeeded", BuildState.FAILED: "failed", BuildState.CANCELLED: "cancelled"}
    return BuildEnded.model_validate(
        {
            "app": push.app,
            "environment": push.environment,
            "push": push.id,
            "build": seen.name,
            "state": states[seen.state],
            "digest": seen.image.digest if seen.image else "",
            "image": seen.image.reference if seen.image else "",
            "processes": seen.image.processes if seen.image else {},
            "step": seen.step,
            "reason": seen.reason,
            "log_tail": seen.log_tail,
        }
    )


# Finds the recorded event that would move a push on.


def newest_of(log: EventLog, push: Push, *types: type[Event]) -> Envelope | None:
    """Return the push's newest event of the first of these types that has any for its app, or for no app yet."""
    events = [event for event in log.of_push(push.id) if event.extensions.get("slipwayapp", push.app) == push.app]
    for wanted in types:
        found = [event for event in events if event.type == wanted.type]
        if found:
            return found[-1]
    return None


# Moves pushes on that stand still: what happened is asked of whoever does the work, and told again.

LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Step: pushes that have not moved for `after`."""

    stuck: StuckPushes
    log: EventLog
    sink: EventSink
    builder: Builder
    deployer: Deployer
    limits: ReleaseLimits
    deadline: Deadline
    after: timedelta = timedelta(seconds=20)

    def __call__(self) -> None:
        """Look at each push that stands still."""
        for_each(self.stuck.idle(longer_than=self.after, limit=LIMIT), self._move, what="stuck")

    def _move(self, found: StuckPush) -> None:
        push, is_late = found.push, found.idle > self.deadline.limit
        if push.state is PushState.RELEASING:
            self.deadline.end_push(push) if is_late else self._releasing(push)
        elif is_late:
            self.deadline.end_build(push, found.build)
        elif push.state is PushState.BUILDING:
            self._building(push, found.build or build_name(push.app, push.environment, push.sha))
        else:
            self._resend(push, BuildRequested, PushReceived)

    def _building(self, push: Push, build: str) -> None:
        published = newest_of(self.log, push, ImagePublished)
        if published:
            self.sink.resend(published)
            return
        seen = self.builder.observe(build)
        if seen is None:
            self._resend(push, BuildRequested, PushReceived)
        elif seen.state is not BuildState.RUNNING:
            self.sink.publish(build_ended(push, seen), discriminator=f"{push.id}/{build}")

    def _releasing(self, push: Push) -> None:
        seen = self.deployer.observe(push.app, push.environment)
        if seen is None or seen.push != push.id:
            self._resend(push, ImagePublished)
            return
        end = end_of(seen, self.limits)
        if end:
            self.sink.publish(end, discriminator=push.id)

    def _resend(self, push: Push, *types: type[Event]) -> None:
        event = newest_of(self.log, push, *types)
        if event:
            self.sink.resend(event)


# Moves releases on that stand still and that no push stands for: rollbacks, changed config, pushes that have ended.

RELEASE_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Step: unfinished releases of no unfinished push that have not moved for `after`."""

    stuck: StuckReleases
    log: EventLog
    sink: EventSink
    deployer: Deployer
    limits: ReleaseLimits
    deadline: Deadline
    after: timedelta = timedelta(seconds=20)

    def __call__(self) -> None:
        """Look at each release that stands still."""
        for_each(self.stuck.idle(longer_than=self.after, limit=RELEASE_LIMIT), self._move, what="releases")

    def _move(self, found: StuckRelease) -> None:
        release = found.release
        if found.idle > self.deadline.limit:
            self.deadline.end_release(release)
            return
        seen = self.deployer.observe(release.app, release.environment)
        if seen is not None and seen.release == release.number:
            end = end_of(seen, self.limits)
            if end:
                self.sink.publish(end, discriminator=f"v{release.number}")
            return
        # The cause of one of several releases is `<event>/<environment>`.
        event = self.log.find(found.cause.partition("/")[0])
        if event:
            self.sink.resend(event)
