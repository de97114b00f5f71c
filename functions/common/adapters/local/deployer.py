"""Deployer of one machine: wanted releases are rows of the schema `platform`, which the rollout controller reads."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.config import MACHINE_BYTES
from functions.common.domain.release import Release, Workload
from functions.common.events.envelope import Envelope
from functions.common.events.release import WorkloadChanged
from functions.common.ports.deployer import RunningWorkload
from functions.common.ports.scales import Capacity

MOST = 12  # as many as Caddy has places for each version
_NOTES = (
    "cpu: a process may use as many cores as that, rounded up; it shares them with others",
    "memory: the limit is for the data of each single process of the app, not for all of them together",
    "port: is not used here, where each web process gets a free port in $PORT",
)

_LOCK = "select pg_advisory_xact_lock(hashtextextended(cast(:app as text) || '/' || cast(:environment as text), 1))"
_APPLY = """
insert into platform.workloads (app, environment, generation, wanted)
select :app, :environment, cast(:release as integer), cast(:wanted as jsonb)
where not exists (select 1 from platform.removals
    where app = :app and environment = :environment and through >= cast(:release as integer))
on conflict (app, environment) do update set generation = excluded.generation, wanted = excluded.wanted
where platform.workloads.generation < excluded.generation
"""
_RECORD_REMOVAL = """
insert into platform.removals (app, environment, through) values (:app, :environment, :through)
on conflict (app, environment) do update set through = greatest(platform.removals.through, excluded.through)
"""
_REMOVE = """
update platform.workloads set wanted = null
where app = :app and environment = :environment and generation <= :through
"""
_SCALE = """
update platform.workloads set wanted = jsonb_set(wanted, '{replicas}', cast(:replicas as jsonb))
where app = :app and environment = :environment and wanted is not null
"""
_MAINTENANCE = """
update platform.workloads set wanted = jsonb_set(wanted, '{maintenance}', cast(:on as jsonb))
where app = :app and environment = :environment and wanted is not null
"""
_READY = """
select ready from platform.versions where app = :app and environment = :environment and stage = 'live'
order by release desc limit 1
"""
_RUNNING = """
select app, environment, generation as release from platform.workloads
where wanted is not null order by app, environment
"""
_OBSERVE = """
select w.generation, w.wanted ->> 'push' as push, r.release, r.event
from platform.workloads w left join lateral (
    select release, event from platform.reports
    where app = w.app and environment = w.environment order by id desc limit 1
) r on true
where w.app = :app and w.environment = :environment
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDeployer:
    """StagedDeployer and RunningWorkloads over the tables platform.workloads and platform.removals."""

    database: Postgres

    def apply(self, workload: Workload) -> None:
        """Request this release; see Deployer."""
        where = {"app": workload.app, "environment": workload.environment}
        with self.database.transaction():
            self.database.run(_LOCK, **where)
            self.database.run(_APPLY, **where, release=workload.release, wanted=json.dumps(asdict(workload)))

    def continue_release(self, app: str, environment: str, release: int) -> None:
        """Do nothing: the rollout controller runs release commands and continues after them."""

    def sync_processes(self, app: str, environment: str, release: int) -> None:
        """Do nothing: the rollout controller updates the other process types with the live release."""

    def scale(self, app: str, environment: str, replicas: Mapping[str, int]) -> None:
        """Change the wanted numbers; see StagedDeployer. The rollout controller starts and stops processes."""
        self.database.run(_SCALE, app=app, environment=environment, replicas=json.dumps(dict(replicas)))

    def show_maintenance(self, app: str, environment: str, *, on: bool) -> None:
        """Show the page; see StagedDeployer. The rollout controller leads the hosts to it."""
        self.database.run(_MAINTENANCE, app=app, environment=environment, on=json.dumps(on))

    def revert(self, live: Release, *, instead_of: int) -> None:
        """Do nothing: the rollout controller stops a failed version and never retries it."""

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Remove releases up to a number; see Deployer."""
        where = {"app": app, "environment": environment}
        with self.database.transaction():
            self.database.run(_LOCK, **where)
            self.database.run(_RECORD_REMOVAL, **where, through=through)
            self.database.run(_REMOVE, **where, through=through)

    def running(self) -> tuple[RunningWorkload, ...]:
        """Return the wanted workloads; see RunningWorkloads."""
        return tuple(RunningWorkload(**row) for row in self.database.rows(_RUNNING))

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Return the latest report; a release without one is `releasing`."""
        rows = self.database.rows(_OBSERVE, app=app, environment=environment)
        if not rows:
            return None
        row = rows[0]
        if row["event"] and row["release"] >= row["generation"]:
            return WorkloadChanged.model_validate(row["event"])
        return WorkloadChanged(
            app=app, environment=environment, push=row["push"] or "", release=row["generation"], phase="releasing"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProcessCounts:
    """ProcessCounts over the table platform.versions, in which the rollout controller records what runs."""

    database: Postgres

    def capacity(self, app: str) -> Capacity:  # noqa: ARG002 - the same for every app
        """Return what one machine runs; see ProcessCounts."""
        return Capacity(replicas=1, most=MOST, config_bytes=MACHINE_BYTES, has_maintenance=True, notes=_NOTES)

    def ready(self, app: str, environment: str) -> dict[str, int]:
        """Return the numbers of running processes of the live version; see ProcessCounts."""
        rows = self.database.run(_READY, app=app, environment=environment)
        return dict(rows[0][0]) if rows else {}


def workload_from(fields: Mapping[str, Any]) -> Workload:
    """Return the workload that `apply` wrote."""
    return Workload(**{**fields, "hosts": tuple(fields["hosts"]), "steps": tuple(fields["steps"])})


class NoReleaseLimits:
    """ReleaseLimits of one machine, where the rollout controller enforces all limits itself."""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:  # noqa: ARG002 - nothing to do
        """Return None; see ReleaseLimits."""
        return None


class NoClusterReports:
    """BuildReports, WorkloadReports and CertificateReports that ignore every event.

    The build runner and the rollout controller of one machine record their events.
    """

    def ended(self, _: Envelope) -> None:
        """Ignore an event of a builder."""

    def changed(self, _: Envelope) -> None:
        """Ignore an event of a workload or a certificate."""

    def prepared(self, _: Envelope) -> None:
        """Ignore an event of a release command."""
