"""Moves pushes on that stand still: what happened is asked of whoever does the work, and told again."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.domain.build import BuildState, build_name
from functions.common.domain.push import Push, PushState
from functions.common.events.base import Event
from functions.common.events.build import BuildRequested, ImagePublished
from functions.common.events.push import PushReceived
from functions.common.ports.builder import Builder
from functions.common.ports.deployer import Deployer
from functions.common.ports.event_log import EventLog
from functions.common.ports.event_sink import EventSink
from functions.common.ports.release_limits import ReleaseLimits
from functions.common.ports.stuck_work import StuckPush, StuckPushes
from functions.reconcile.deadline import Deadline
from functions.reconcile.each import for_each
from functions.reconcile.ended import build_ended, end_of
from functions.reconcile.recorded import newest_of

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
