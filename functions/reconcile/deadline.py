"""Ends pushes and releases that made no progress for too long, so that every push ends."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.domain.push import Push, PushState
from functions.common.domain.release import Release, ReleaseState
from functions.common.events.build import BuildFailed
from functions.common.events.release import ReleaseFailed
from functions.common.ports.builds import Builder
from functions.common.ports.events import EventSink
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import ReleaseArchive, ReleaseProgress

STEP = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Fails pushes and releases that made no progress for longer than `limit`."""

    limit: timedelta
    pushes: PushLedger
    builder: Builder
    archive: ReleaseArchive
    progress: ReleaseProgress
    sink: EventSink

    @property
    def reason(self) -> str:
        """The reason that users read."""
        return f"no progress for {round(self.limit.total_seconds() / 60) or 1} minutes: push again"

    def end_build(self, push: Push, build: str) -> None:
        """Fail a push that has no image yet, and cancel its build."""
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
            self._publish(push.app, push.environment, push.id, 0, push.sha)

    def end_release(self, release: Release) -> None:
        """Fail an unfinished release; the live release keeps serving."""
        where = (release.app, release.environment, release.number)
        seen = self.progress.finish(*where, ReleaseState.FAILED, step=STEP, reason=self.reason)
        if seen is None or seen.release.state is not ReleaseState.FAILED:
            return
        if release.push:
            self.pushes.advance(release.push, release.app, PushState.FAILED, step=STEP, reason=self.reason)
        self._publish(release.app, release.environment, release.push, release.number, release.sha)

    def _publish(self, app: str, environment: str, push: str, number: int, sha: str) -> None:
        failed = ReleaseFailed(
            app=app, environment=environment, push=push, release=number, sha=sha, step=STEP, reason=self.reason
        )
        self.sink.publish(failed, discriminator=f"{push}/{number}")
