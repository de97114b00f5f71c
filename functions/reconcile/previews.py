"""Closes previews that are no longer needed, and removes what closed environments and deleted apps left running."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from functions.common.domain.environment import Environment
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.ports.apps import PreviewSweeper, StalePreviews
from functions.common.ports.deployer import Deployer, RunningWorkload, RunningWorkloads, StrayFinder
from functions.common.ports.events import EventSink
from functions.common.ports.network import Certificates, DnsZone
from functions.reconcile.handler import for_each

PREVIEWS = 50  # a tick
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """Step: previews without a push for `max_age` or without a branch, and leftovers of closed previews."""

    keeper: StalePreviews
    sweeper: PreviewSweeper
    deployer: Deployer
    zone: DnsZone
    certificates: Certificates
    sink: EventSink
    domain: str
    max_age: timedelta

    def __call__(self) -> None:
        """Close previews, then check the closed ones for leftovers."""
        aged = f"no push for {self.max_age.days} days"
        expired = self.keeper.expired(older_than=self.max_age, limit=PREVIEWS)
        for_each(expired, partial(self._close, reason=aged), what="previews")
        orphaned = self.keeper.orphaned(limit=PREVIEWS)
        for_each(orphaned, partial(self._close, reason="its branch was deleted"), what="previews")
        closed = self.sweeper.unswept(longer_than=GRACE, limit=PREVIEWS)
        if closed:
            names = {record.host for record in self.zone.owned()}
            for_each(closed, partial(self._sweep, is_named=names.__contains__), what="previews")

    def _close(self, preview: Environment, *, reason: str) -> None:
        # The state changes first, since subscribers read it. If the event is lost, the sweep publishes it again.
        if self.keeper.close(preview.app, preview.name):
            self._publish(preview, reason)

    def _sweep(self, preview: Environment, *, is_named: Callable[[str], bool]) -> None:
        host = f"{preview.label}.{self.domain}"
        runs = self.deployer.observe(preview.app, preview.name) is not None
        if runs or is_named(host) or self._is_certified(host) or self.sweeper.leftovers(host):
            self._publish(preview, "it is closed, but parts of it were left")
        else:
            self.sweeper.mark_swept(preview.app, preview.name)

    def _is_certified(self, host: str) -> bool:
        seen = self.certificates.status(host)
        return not seen.shared and (seen.ready or not seen.reason)  # without a reason, it is being issued

    def _publish(self, preview: Environment, reason: str) -> None:
        host = f"{preview.label}.{self.domain}"
        where = {"app": preview.app, "environment": preview.name, "branch": preview.branch, "host": host}
        self.sink.publish(PreviewClosed(**where, reason=reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayWorkloads:
    """Step: workloads of environments that do not exist, as after a lost app.deleted event.

    The event lists no hosts: records and certificates without an app are found by the network step.
    """

    workloads: RunningWorkloads
    strays: StrayFinder
    sink: EventSink

    def __call__(self) -> None:
        """Publish again that the app was deleted."""
        found = self.strays.among(self.workloads.running())
        for_each(found, self._publish, what="strays")

    def _publish(self, stray: RunningWorkload) -> None:
        gone = AppDeleted(app=stray.app, hosts=(), environments=(stray.environment,))
        self.sink.publish(gone, discriminator=f"{stray.environment} v{stray.release}")
