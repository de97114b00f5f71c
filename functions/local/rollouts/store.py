"""What is wanted and what is so, in PostgreSQL, and the reports of it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from functions.common.adapters.local.deployer import workload_from
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.release import Workload
from functions.common.events.base import Cause
from functions.common.events.release import WorkloadChanged
from functions.local.reports import Report, storable

# One release of one environment on this machine, and how far it has come.


class Stage(StrEnum):
    """In this order; `FAILED` may follow the first three, and with `STOPPED` is final."""

    RELEASING = "releasing"
    STARTING = "starting"
    SHIFTING = "shifting"
    LIVE = "live"
    DRAINING = "draining"
    FAILED = "failed"
    STOPPED = "stopped"


UNPROVEN = frozenset({Stage.RELEASING, Stage.STARTING, Stage.SHIFTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`slot` is one of Caddy's two upstreams of the environment, `weight` its share in percent."""

    app: str
    environment: str
    release: int
    workload: Workload
    stage: Stage
    slot: str = ""
    port: int = 0
    weight: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is known by."""
        return (self.app, self.environment, self.release)

    def program(self, process: str) -> str:
        """Return the name of a process type's program under the process manager."""
        return f"app.{self.app}.{self.environment}.{self.release}.{process}"

    @property
    def host(self) -> str:
        """The host that a health check asks for."""
        return self.workload.hosts[0] if self.workload.hosts else "localhost"

    @property
    def upstream(self) -> str:
        """Where its web process listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def lasting(self) -> tuple[str, ...]:
        """The process types that run as long as the version is live, `web` first."""
        others = sorted(name for name in self.workload.processes if name not in {"web", "release"})
        return (*(["web"] if "web" in self.workload.processes else []), *others)


# The tables of workloads and versions, as the controller uses them; every method may raise Unavailable.

_ENVIRONMENTS = """
select app, environment from platform.workloads
union select app, environment from platform.versions where stage not in ('failed', 'stopped')
"""
_BUSY = """
select w.app, w.environment from platform.workloads w
where w.wanted is null or not exists (
    select 1 from platform.versions v
    where v.app = w.app and v.environment = w.environment and v.release = w.generation)
union select v.app, v.environment from platform.versions v
join platform.removals r on r.app = v.app and r.environment = v.environment and r.through >= v.release
where v.stage not in ('failed', 'stopped')
union select app, environment from platform.versions
where stage in ('releasing', 'starting', 'shifting', 'draining')
"""
_ACTIVE = """
select app, environment, release, workload, stage, slot, port, weight from platform.versions
where app = :app and environment = :environment and (stage not in ('failed', 'stopped') or release = :generation)
order by release
"""
_MOVE = """
update platform.versions set stage = :stage, slot = :slot, port = :port, weight = :weight,
    entered_at = case when stage = :stage then entered_at else now() end
where app = :app and environment = :environment and release = :release
"""
_REPORT = """
insert into platform.reports (app, environment, release, event)
values (:app, :environment, :release, cast(:event as jsonb))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """What is wanted and how far it has come."""

    database: Postgres

    def environments(self) -> list[tuple[str, str]]:
        """Return every environment that is wanted or has something running."""
        return [(row[0], row[1]) for row in self.database.run(_ENVIRONMENTS)]

    def busy(self) -> list[tuple[str, str]]:
        """Return the environments in which something is to be done."""
        return [(row[0], row[1]) for row in self.database.run(_BUSY)]

    def wanted(self, app: str, environment: str) -> tuple[int, Workload | None]:
        """Return the release number wanted and its workload: None when nothing is to be left."""
        sql = "select generation, wanted from platform.workloads where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        if not rows:
            return 0, None
        return rows[0][0], workload_from(rows[0][1]) if rows[0][1] else None

    def removed(self, app: str, environment: str) -> int:
        """Return the number up to which no release is to run, 0 for none."""
        sql = "select through from platform.removals where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        return int(rows[0][0]) if rows else 0

    def all_wanted(self) -> list[Workload]:
        """Return every workload wanted, ordered by environment."""
        sql = "select wanted from platform.workloads where wanted is not null order by app, environment"
        return [workload_from(row[0]) for row in self.database.run(sql)]

    def versions(self, app: str, environment: str, generation: int) -> list[Version]:
        """Return the versions that are not at their end, and the one of `generation` wherever it is."""
        rows = self.database.rows(_ACTIVE, app=app, environment=environment, generation=generation)
        return [
            Version(**{**row, "workload": workload_from(row["workload"]), "stage": Stage(row["stage"])}) for row in rows
        ]

    def active_programs(self) -> set[tuple[str, str, int]]:
        """Return the keys of all versions that may have programs."""
        sql = "select app, environment, release from platform.versions where stage not in ('failed', 'stopped')"
        return {(row[0], row[1], row[2]) for row in self.database.run(sql)}

    def begin(self, workload: Workload) -> Version:
        """Write a new version, with its first report."""
        version = Version(
            app=workload.app,
            environment=workload.environment,
            release=workload.release,
            workload=workload,
            stage=Stage.RELEASING,
        )
        with self.database.transaction():
            self.database.run(
                "insert into platform.versions (app, environment, release, workload, stage) "
                "values (:app, :environment, :release, cast(:workload as jsonb), :stage) on conflict do nothing",
                app=version.app,
                environment=version.environment,
                release=version.release,
                workload=json.dumps(asdict(workload)),
                stage=version.stage.value,
            )
            self._report(version, _event(version))
        return version

    def move(self, version: Version, *, step: str = "", reason: str = "", log_tail: str = "") -> Version:
        """Write where the version is now, with the report on it."""
        said = {"step": step, "reason": storable(reason), "log_tail": storable(log_tail)}
        event = _event(version).model_copy(update=said)
        with self.database.transaction():
            self._move(version)
            self._report(version, event)
        return version

    def note(self, version: Version) -> Version:
        """Write where the version is now, without a report."""
        self._move(version)
        return version

    def promote(self, version: Version, before: Version | None) -> None:
        """Make the version the live one, and drain the one before it."""
        with self.database.transaction():
            self.move(replace(version, stage=Stage.LIVE, weight=100))
            if before:
                self._move(replace(before, stage=Stage.DRAINING, weight=0))

    def forget(self, app: str, environment: str) -> None:
        """Delete all rows of an environment that is still unwanted."""
        with self.database.transaction():
            sql = "delete from platform.workloads where app = :app and environment = :environment and wanted is null"
            self.database.run(sql, app=app, environment=environment)
            for table in ("versions", "reports"):
                sql = f"delete from platform.{table} where app = :app and environment = :environment"  # noqa: S608 - two names
                self.database.run(sql, app=app, environment=environment)

    def _move(self, version: Version) -> None:
        self.database.run(
            _MOVE,
            app=version.app,
            environment=version.environment,
            release=version.release,
            stage=version.stage.value,
            slot=version.slot,
            port=version.port,
            weight=version.weight,
        )

    def _report(self, version: Version, event: WorkloadChanged) -> None:
        self.database.run(
            _REPORT,
            app=version.app,
            environment=version.environment,
            release=version.release,
            event=event.model_dump_json(),
        )


_PHASES = {
    Stage.RELEASING: "releasing",
    Stage.STARTING: "starting",
    Stage.SHIFTING: "shifting",
    Stage.LIVE: "live",
    Stage.FAILED: "failed",
}


def _event(version: Version) -> WorkloadChanged:
    return WorkloadChanged.model_validate(
        {
            "app": version.app,
            "environment": version.environment,
            "push": version.workload.push,
            "release": version.release,
            "phase": _PHASES[version.stage],
            "weight": version.weight,
        }
    )


# The changes of workloads as reports.

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
