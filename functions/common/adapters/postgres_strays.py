"""Workloads without an environment, by the tables environments and release_floors."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.running_workloads import RunningWorkload

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
class PostgresStrays:
    """Strays."""

    database: Postgres

    def among(self, workloads: tuple[RunningWorkload, ...]) -> tuple[RunningWorkload, ...]:
        """Return those that nothing wants; see Strays."""
        rows = self.database.rows(
            _STRAYS,
            apps=[one.app for one in workloads],
            environments=[one.environment for one in workloads],
            releases=[one.release for one in workloads],
        )
        return tuple(RunningWorkload(**row) for row in rows)
