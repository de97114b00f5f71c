"""One-off commands in the table runs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.runs import Run

_COLUMNS = (
    "id::text as id, app, environment, release, command, actor, tty, interactive, columns, rows, seconds, exit_code, "
    "reason, created_at, ended_at"
)
_ADD = """
insert into runs (app, environment, release, command, actor, tty, interactive, columns, rows, seconds)
values (:app, :environment, :release, :command::text[], :actor, :tty, :interactive, :columns, :rows, :seconds)
returning id::text
"""
_FIND = f"select {_COLUMNS} from runs where id = :id::uuid"  # noqa: S608 - a constant
_OF_APP = f"select {_COLUMNS} from runs where app = :app order by created_at desc limit :limit"  # noqa: S608 - as above
_END = """
update runs set exit_code = :code, reason = :reason, ended_at = now() where id = :id::uuid and exit_code is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRuns:
    """Runs over the table runs."""

    database: Postgres

    def add(self, run: Run) -> str:
        """Record a run; see Runs."""
        fields = ("app", "environment", "release", "actor", "tty", "interactive", "columns", "rows", "seconds")
        values = {name: getattr(run, name) for name in fields}
        return str(self.database.run(_ADD, **values, command=list(run.command))[0][0])

    def find(self, run: str) -> Run | None:
        """Return one run; see Runs."""
        try:
            rows = self.database.rows(_FIND, id=str(UUID(run)))
        except ValueError:
            return None
        return _run(rows[0]) if rows else None

    def of_app(self, app: str, *, limit: int) -> tuple[Run, ...]:
        """Return the newest runs; see Runs."""
        return tuple(_run(row) for row in self.database.rows(_OF_APP, app=app, limit=limit))

    def end(self, run: str, exit_code: int, *, reason: str = "") -> None:
        """Record the end; see Runs."""
        self.database.run(_END, id=run, code=exit_code, reason=reason)


def _run(row: dict[str, Any]) -> Run:
    return Run(**row | {"command": tuple(row["command"])})
