"""Moves releases on that stand still and that no push stands for: rollbacks, changed config, pushes that have ended."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.ports.deployer import Deployer
from functions.common.ports.event_log import EventLog
from functions.common.ports.event_sink import EventSink
from functions.common.ports.release_limits import ReleaseLimits
from functions.common.ports.stuck_work import StuckRelease, StuckReleases
from functions.reconcile.deadline import Deadline
from functions.reconcile.each import for_each
from functions.reconcile.ended import end_of

LIMIT = 100


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
        for_each(self.stuck.idle(longer_than=self.after, limit=LIMIT), self._move, what="releases")

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
