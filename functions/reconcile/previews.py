"""Previews that are over, and workloads that nothing wants."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from functions.common.domain.environment import Environment
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.ports.apps import PreviewKeeper, PreviewSweeper
from functions.common.ports.deployer import Deployer, RunningWorkload, RunningWorkloads, Strays
from functions.common.ports.events import EventSink
from functions.common.ports.network import Certificates, DnsZone
from functions.reconcile.handler import for_each

# Closes previews that nobody needs, and closes again those that left something behind.

LIMIT = 50
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """Step: previews without a push for `max_age` or without a branch, and what closed ones left."""

    keeper: PreviewKeeper
    sweeper: PreviewSweeper
    deployer: Deployer
    zone: DnsZone
    certificates: Certificates
    sink: EventSink
    domain: str
    max_age: timedelta

    def __call__(self) -> None:
        """Close, then sweep."""
        aged = f"no push for {self.max_age.days} days"
        expired = self.keeper.expired(older_than=self.max_age, limit=LIMIT)
        for_each(expired, partial(self._close, reason=aged), what="previews")
        orphaned = self.keeper.orphaned(limit=LIMIT)
        for_each(orphaned, partial(self._close, reason="its branch is gone"), what="previews")
        closed = self.sweeper.unswept(longer_than=GRACE, limit=LIMIT)
        if closed:
            names = {record.host for record in self.zone.owned()}
            for_each(closed, partial(self._sweep, is_named=names.__contains__), what="previews")

    def _close(self, preview: Environment, *, reason: str) -> None:
        # Closed first, since who hears of it looks at the state; what is never told is found by the sweep.
        if self.keeper.close(preview.app, preview.name):
            self._tell(preview, reason)

    def _sweep(self, preview: Environment, *, is_named: Callable[[str], bool]) -> None:
        host = f"{preview.label}.{self.domain}"
        runs = self.deployer.observe(preview.app, preview.name) is not None
        if runs or is_named(host) or self._is_certified(host) or self.sweeper.leftovers(host):
            self._tell(preview, "closed, but something of it was left")
        else:
            self.sweeper.swept(preview.app, preview.name)

    def _is_certified(self, host: str) -> bool:
        seen = self.certificates.status(host)
        return not seen.shared and (seen.ready or not seen.reason)  # without a reason it is being issued

    def _tell(self, preview: Environment, reason: str) -> None:
        host = f"{preview.label}.{self.domain}"
        where = {"app": preview.app, "environment": preview.name, "branch": preview.branch, "host": host}
        self.sink.publish(PreviewClosed(**where, reason=reason))


# Finds what runs for apps that are gone, and has it removed.


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayWorkloads:
    """Step: workloads of environments that do not exist, as after an app.deleted that was lost.

    Hosts are not told: names and certificates that nothing wants are found by themselves.
    """

    workloads: RunningWorkloads
    strays: Strays
    sink: EventSink

    def __call__(self) -> None:
        """Tell of each app again that it is deleted."""
        found = self.strays.among(self.workloads.running())
        for_each(found, self._tell, what="strays")

    def _tell(self, stray: RunningWorkload) -> None:
        gone = AppDeleted(app=stray.app, hosts=(), environments=(stray.environment,))
        self.sink.publish(gone, discriminator=f"{stray.environment} v{stray.release}")
