"""The changes of workloads as reports."""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.events.base import Cause
from functions.common.events.release import WorkloadChanged
from functions.local.reports import Report

_WAITING = "select id, event from platform.reports where reported_at is null order by id limit 50"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadReports:
    """Reports over the table platform.reports."""

    database: Postgres

    def waiting(self) -> Iterable[Report]:
        """Return the workload.changed events that the broker does not have yet."""
        for key, fields in self.database.run(_WAITING):
            event = WorkloadChanged.model_validate(fields)
            # An app of the same name that was made anew numbers its releases anew: its pushes tell it apart.
            cause = f"{event.app}/{event.environment}/{event.release}/{event.phase}/{event.weight}/{event.push}"
            yield Report(
                key=str(key),
                cause=Cause(function="rollouts", source="/slipway/local/rollouts", id=cause),
                event=event,
            )

    def sent(self, key: str) -> None:
        """Note that the broker has the report."""
        self.database.run("update platform.reports set reported_at = now() where id = :id", id=int(key))
