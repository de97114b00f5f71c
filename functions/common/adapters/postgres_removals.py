"""Removals in the table workload_removals."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres

_NOTE = """
insert into workload_removals (app, environment, through) values (:app, :environment, :through)
on conflict (app, environment) do update set through = greatest(workload_removals.through, excluded.through)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRemovals:
    """Removals."""

    database: Postgres

    def note(self, app: str, environment: str, *, through: int) -> None:
        """Remember the number; see Removals."""
        self.database.run(_NOTE, app=app, environment=environment, through=through)

    def through(self, app: str, environment: str) -> int:
        """Return the number; see Removals."""
        sql = "select through from workload_removals where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        return int(rows[0][0]) if rows else 0
