"""Workloads and versions in PostgreSQL, and the reports on their changes.

A workload is what an environment should run; a version is one release of an environment on this machine.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from functions.common.adapters.local.deployer import workload_from
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.release import Workload, wanted_processes
from functions.common.events.base import Cause
from functions.common.events.release import WorkloadChanged
from functions.local.reports import Report, storable


class Stage(StrEnum):
    """A version passes the stages in this order; FAILED may follow the first three. FAILED and STOPPED are final."""

    RELEASING = "releasing"
    STARTING = "starting"
    SHIFTING = "shifting"
    LIVE = "live"
    DRAINING = "draining"
    FAILED = "failed"
    STOPPED = "stopped"


BEFORE_LIVE = frozenset({Stage.RELEASING, Stage.STARTING, Stage.SHIFTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One release of one environment; `slot` is one of its two in Caddy, `weight` its percentage.

    `port` is that of its first web process, `ports` those of the others. `ready` has the number of processes that run.
    """

    app: str
    environment: str
    release: int
    workload: Workload
    stage: Stage
    slot: str = ""
    port: int = 0
    ports: tuple[int, ...] = ()
    weight: int = 0
    ready: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies the version."""
        return (self.app, self.environment, self.release)

    def program(self, process: str) -> str:
        """Return the process manager's name of a process type."""
        return f"app.{self.app}.{self.environment}.{self.release}.{process}"

    def process_of(self, program: str) -> str:
        """Return the process type that a program of the version runs; empty for a program of another version."""
        prefix = self.program("")
        return program.removeprefix(prefix).partition(".")[0] if program.startswith(prefix) else ""

    def replicas_of(self, process: str) -> int:
        """Return how many processes of a type are wanted."""
        return wanted_processes(process, self.workload.replicas, web=1)

    @property
    def host(self) -> str:
        """The Host header of health checks."""
        return self.workload.hosts[0] if self.workload.hosts else "localhost"

    @property
    def upstream(self) -> str:
        """The address of its first web process."""
        return f"127.0.0.1:{self.port}"

    @property
    def upstreams(self) -> tuple[str, ...]:
        """The addresses of all its web processes."""
        return tuple(f"127.0.0.1:{port}" for port in (self.port, *self.ports))

    @property
    def long_running(self) -> tuple[str, ...]:
        """The process types that run as long as the version is live, `web` first."""
        others = sorted(name for name in self.workload.processes if name not in {"web", "release"})
        return (*(["web"] if "web" in self.workload.processes else []), *others)


_ENVIRONMENTS = """
select app, environment from platform.workloads
union select app, environment from platform.versions where stage not in ('failed', 'stopped')
"""
_PENDING = """
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
select app, environment, release, workload, stage, slot, port, ports, weight, ready
from platform.versions
where app = :app and environment = :environment and (stage not in ('failed', 'stopped') or release = :generation)
order by release
"""
_CREATE = """
insert into platform.versions (app, environment, release, workload, stage)
values (:app, :environment, :release, cast(:workload as jsonb), :stage) on conflict do nothing
"""
_UPDATE = """
update platform.versions set stage = :stage, slot = :slot, port = :port, ports = :ports, weight = :weight,
    entered_at = case when stage = :stage then entered_at else now() end
where app = :app and environment = :environment and release = :release
"""
_READY = """
update platform.versions set ready = cast(:ready as jsonb)
where app = :app and environment = :environment and release = :release
"""
_REPORT = """
insert into platform.reports (app, environment, release, event)
values (:app, :environment, :release, cast(:event as jsonb))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStore:
    """The tables as the controller uses them; every method may raise Unavailable."""

    database: Postgres

    def environments(self) -> list[tuple[str, str]]:
        """Return every environment that has a workload or an active version."""
        return [(row[0], row[1]) for row in self.database.run(_ENVIRONMENTS)]

    def pending(self) -> list[tuple[str, str]]:
        """Return the environments where there is something to do."""
        return [(row[0], row[1]) for row in self.database.run(_PENDING)]

    def wanted(self, app: str, environment: str) -> tuple[int, Workload | None]:
        """Return the number of the wanted release and its workload; None when the environment should be removed."""
        sql = "select generation, wanted from platform.workloads where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        if not rows:
            return 0, None
        return rows[0][0], workload_from(rows[0][1]) if rows[0][1] else None

    def removed_through(self, app: str, environment: str) -> int:
        """Return the release up to which all belong to a deleted app, 0 for none."""
        sql = "select through from platform.removals where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        return int(rows[0][0]) if rows else 0

    def all_wanted(self) -> list[Workload]:
        """Return every wanted workload, ordered by environment."""
        sql = "select wanted from platform.workloads where wanted is not null order by app, environment"
        return [workload_from(row[0]) for row in self.database.run(sql)]

    def versions(self, app: str, environment: str, generation: int) -> list[Version]:
        """Return the active versions, and the version of `generation` in any stage."""
        rows = self.database.rows(_ACTIVE, app=app, environment=environment, generation=generation)
        return [
            Version(
                **{
                    **row,
                    "workload": workload_from(row["workload"]),
                    "stage": Stage(row["stage"]),
                    "ports": tuple(row["ports"]),
                }
            )
            for row in rows
        ]

    def active_releases(self) -> set[tuple[str, str, int]]:
        """Return the keys of all active versions."""
        sql = "select app, environment, release from platform.versions where stage not in ('failed', 'stopped')"
        return {(row[0], row[1], row[2]) for row in self.database.run(sql)}

    def create(self, workload: Workload) -> Version:
        """Create a version in the first stage, and report it."""
        version = Version(
            app=workload.app,
            environment=workload.environment,
            release=workload.release,
            workload=workload,
            stage=Stage.RELEASING,
        )
        with self.database.transaction():
            self.database.run(
                _CREATE,
                app=version.app,
                environment=version.environment,
                release=version.release,
                workload=json.dumps(asdict(workload)),
                stage=version.stage.value,
            )
            self._report(version, _event(version))
        return version

    def transition(self, version: Version, *, step: str = "", reason: str = "", log_tail: str = "") -> Version:
        """Save the version in its new stage, and report it."""
        details = {"step": step, "reason": storable(reason), "log_tail": storable(log_tail)}
        event = _event(version).model_copy(update=details)
        with self.database.transaction():
            self._update(version)
            self._report(version, event)
        return version

    def save(self, version: Version) -> Version:
        """Save the version without a report."""
        self._update(version)
        return version

    def record_ready(self, version: Version) -> None:
        """Record how many processes run."""
        where = {"app": version.app, "environment": version.environment, "release": version.release}
        self.database.run(_READY, **where, ready=json.dumps(version.ready))

    def promote(self, version: Version, before: Version | None) -> None:
        """Make the version the live one, and drain the one before it."""
        with self.database.transaction():
            self.transition(replace(version, stage=Stage.LIVE, weight=100))
            if before:
                self._update(replace(before, stage=Stage.DRAINING, weight=0))

    def forget_image(self, version: Version) -> None:
        """Record that the version's image cannot be used, so that a later order builds it again."""
        sql = "update builds set image_claimed_at = now(), image_deleted_at = now() where digest = :digest"
        self.database.run(sql, digest=version.workload.digest)

    def delete_environment(self, app: str, environment: str) -> None:
        """Delete all rows of an environment, unless it is wanted again."""
        with self.database.transaction():
            sql = "delete from platform.workloads where app = :app and environment = :environment and wanted is null"
            self.database.run(sql, app=app, environment=environment)
            for table in ("versions", "reports"):
                sql = f"delete from platform.{table} where app = :app and environment = :environment"  # noqa: S608 - two names
                self.database.run(sql, app=app, environment=environment)

    def _update(self, version: Version) -> None:
        self.database.run(
            _UPDATE,
            app=version.app,
            environment=version.environment,
            release=version.release,
            stage=version.stage.value,
            slot=version.slot,
            port=version.port,
            ports=list(version.ports),
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


_WAITING = "select id, event from platform.reports where reported_at is null order by id limit 50"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadReports:
    """A workload.changed for each row of platform.reports, in the order of their ids."""

    database: Postgres

    def waiting(self) -> Iterable[Report]:
        """Return the reports that the broker has not accepted yet."""
        for key, fields in self.database.run(_WAITING):
            event = WorkloadChanged.model_validate(fields)
            # An app that was created again under its name counts its releases from 1: its pushes are different ones.
            cause = f"{event.app}/{event.environment}/{event.release}/{event.phase}/{event.weight}/{event.push}"
            yield Report(
                key=str(key),
                cause=Cause(function="rollouts", source="/slipway/local/rollouts", id=cause),
                event=event,
            )

    def sent(self, key: str) -> None:
        """Record that the broker accepted the report."""
        self.database.run("update platform.reports set reported_at = now() where id = :id", id=int(key))
