"""Workloads: up to which release they were removed, and which no environment wants."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.deployer import RunningWorkload

_RECORD = """
insert into workload_removals (app, environment, through) values (:app, :environment, :through)
on conflict (app, environment) do update set through = greatest(workload_removals.through, excluded.through)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRemovals:
    """Removals over the table workload_removals."""

    database: Postgres

    def record(self, app: str, environment: str, *, through: int) -> None:
        """Record the number; see Removals."""
        self.database.run(_RECORD, app=app, environment=environment, through=through)

    def through(self, app: str, environment: str) -> int:
        """Return the number; see Removals."""
        sql = "select through from workload_removals where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        return int(rows[0][0]) if rows else 0


_STRAYS = """
select w.app, w.environment, w.release
from unnest(cast(:apps as text[]), cast(:environments as text[]), cast(:releases as integer[]))
    as w (app, environment, release)
where not exists (select 1 from environments as e where e.app = w.app and e.name = w.environment)
    or exists (select 1 from release_floors as f
        where f.app = w.app and f.environment = w.environment and f.number >= w.release)
order by w.app, w.environment
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStrayFinder:
    """StrayFinder over the tables environments and release_floors."""

    database: Postgres

    def among(self, workloads: tuple[RunningWorkload, ...]) -> tuple[RunningWorkload, ...]:
        """Return those that no environment wants; see StrayFinder."""
        rows = self.database.rows(
            _STRAYS,
            apps=[one.app for one in workloads],
            environments=[one.environment for one in workloads],
            releases=[one.release for one in workloads],
        )
        return tuple(RunningWorkload(**row) for row in rows)
