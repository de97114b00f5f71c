"""The ends of builds as reports."""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.common.events.base import Cause
from functions.local.builds.orders import Orders
from functions.local.reports import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReports:
    """Reports over the table of orders."""

    orders: Orders

    def waiting(self) -> Iterable[Report]:
        """Return a build.ended for each end that the broker does not have yet."""
        for name, event in self.orders.unreported():
            # A commit whose build failed may be pushed again: that is another end of the same name.
            cause = Cause(function="builds", source="/slipway/local/builds", id=f"{name}/{event.push}")
            yield Report(key=name, cause=cause, event=event)

    def sent(self, key: str) -> None:
        """Note that the broker has the report."""
        self.orders.mark_reported(key)
