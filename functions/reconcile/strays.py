"""Finds what runs for apps that are gone, and has it removed."""

from dataclasses import dataclass

from functions.common.events.app import AppDeleted
from functions.common.ports.event_sink import EventSink
from functions.common.ports.running_workloads import RunningWorkload, RunningWorkloads, Strays
from functions.reconcile.each import for_each


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
