"""Recovers pushes and releases that make no progress: an event or a report was lost, so it is sent again.

What has happened is asked of the builder or the deployer. After the deadline the push or release fails.
"""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.domain.build import BuildResult, BuildState, build_name
from functions.common.domain.push import Push, PushState
from functions.common.events.base import Event
from functions.common.events.build import BuildEnded, BuildRequested, ImagePublished
from functions.common.events.envelope import Envelope
from functions.common.events.push import PushReceived
from functions.common.events.release import WorkloadChanged
from functions.common.ports.builds import Builder
from functions.common.ports.deployer import Deployer
from functions.common.ports.events import EventLog, EventSink
from functions.common.ports.pushes import StuckPush, StuckPushes
from functions.common.ports.releases import ReleaseLimits, StuckRelease, StuckReleases
from functions.reconcile.deadline import Deadline
from functions.reconcile.handler import for_each

PUSHES, RELEASES = 200, 100  # a tick
PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverPushes:
    """Step: pushes without progress for `after`."""

    stuck: StuckPushes
    log: EventLog
    sink: EventSink
    builder: Builder
    deployer: Deployer
    limits: ReleaseLimits
    deadline: Deadline
    after: timedelta = PATIENCE

    def __call__(self) -> None:
        """Recover each push, or end it."""
        for_each(self.stuck.idle(longer_than=self.after, limit=PUSHES), self._recover, what="stuck")

    def _recover(self, found: StuckPush) -> None:
        push, is_late = found.push, found.idle > self.deadline.limit
        if push.state is PushState.RELEASING:
            self.deadline.end_push(push) if is_late else self._recover_release(push)
        elif is_late:
            self.deadline.end_build(push, found.build)
        elif push.state is PushState.BUILDING:
            self._recover_build(push, found.build or build_name(push.app, push.environment, push.sha))
        else:
            self._resend(push, BuildRequested, PushReceived)

    def _recover_build(self, push: Push, build: str) -> None:
        published = newest_event(self.log, push, ImagePublished)
        if published:
            self.sink.resend(published)
            return
        seen = self.builder.observe(build)
        if seen is None:
            self._resend(push, BuildRequested, PushReceived)
        elif seen.state is not BuildState.RUNNING:
            self.sink.publish(build_ended(push, seen), discriminator=f"{push.id}/{build}")

    def _recover_release(self, push: Push) -> None:
        seen = self.deployer.observe(push.app, push.environment)
        if seen is None or seen.push != push.id:
            self._resend(push, ImagePublished)
            return
        end = final_report(seen, self.limits)
        if end:
            self.sink.publish(end, discriminator=push.id)

    def _resend(self, push: Push, *types: type[Event]) -> None:
        event = newest_event(self.log, push, *types)
        if event:
            self.sink.resend(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverReleases:
    """Step: unfinished releases without an unfinished push, and without progress for `after`.

    These are rollbacks, releases of changed config, and releases whose push has ended.
    """

    stuck: StuckReleases
    log: EventLog
    sink: EventSink
    deployer: Deployer
    limits: ReleaseLimits
    deadline: Deadline
    after: timedelta = PATIENCE

    def __call__(self) -> None:
        """Recover each release, or end it."""
        for_each(self.stuck.idle(longer_than=self.after, limit=RELEASES), self._recover, what="releases")

    def _recover(self, found: StuckRelease) -> None:
        release = found.release
        if found.idle > self.deadline.limit:
            self.deadline.end_release(release)
            return
        seen = self.deployer.observe(release.app, release.environment)
        if seen is not None and seen.release == release.number:
            end = final_report(seen, self.limits)
            if end:
                self.sink.publish(end, discriminator=f"v{release.number}")
            return
        # When one event causes releases in several environments, the cause of each is `<event>/<environment>`.
        event = self.log.find(found.cause.partition("/")[0])
        if event:
            self.sink.resend(event)


def newest_event(log: EventLog, push: Push, *types: type[Event]) -> Envelope | None:
    """Return the push's newest event for its app, or for no app yet, of the first of these types that has one."""
    events = [event for event in log.of_push(push.id) if event.extensions.get("slipwayapp", push.app) == push.app]
    for wanted in types:
        found = [event for event in events if event.type == wanted.type]
        if found:
            return found[-1]
    return None


def final_report(seen: WorkloadChanged, limits: ReleaseLimits) -> WorkloadChanged | None:
    """Return the final report on a release, or None while it is on its way and within its time limit."""
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
