"""One-off commands in the table runs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.runs import Run

_COLUMNS = (
    "id::text as id, app, environment, release, command, actor, tty, interactive, columns, rows, seconds, waiting, "
    "exit_code, reason, created_at, ended_at"
)
_ADD = """
insert into runs (app, environment, release, command, actor, tty, interactive, columns, rows, seconds, waiting)
values (:app, :environment, :release, :command::text[], :actor, :tty, :interactive, :columns, :rows, :seconds, :waiting)
returning id::text
"""
_FIND = f"select {_COLUMNS} from runs where id = :id::uuid"  # noqa: S608 - a constant
_OF_APP = f"select {_COLUMNS} from runs where app = :app order by created_at desc limit :limit"  # noqa: S608 - as above
_END = """
update runs set exit_code = :code, reason = :reason, ended_at = now(), waiting = false, input = null
where id = :id::uuid and exit_code is null
"""
_APPEND = """
update runs set input = coalesce(input, '') || :data
where id = :id::uuid and waiting and coalesce(length(input), 0) = :offset
"""
_LENGTH = "select coalesce(length(input), 0) from runs where id = :id::uuid"
_CLOSE = """
update runs set waiting = false, input = coalesce(input, '') where id = :id::uuid and waiting returning id
"""
_INPUT = "select input from runs where id = :id::uuid"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRuns:
    """Runs and RunInputs over the table runs."""

    database: Postgres

    def add(self, run: Run) -> str:
        """Record a run; see Runs."""
        fields = (
            *("app", "environment", "release", "actor", "tty", "interactive"),
            *("columns", "rows", "seconds", "waiting"),
        )
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

    def append(self, run: str, data: bytes, *, offset: int) -> int:
        """Add data; see RunInputs."""
        self.database.run(_APPEND, id=run, data=data, offset=offset)
        rows = self.database.run(_LENGTH, id=run)
        return int(rows[0][0]) if rows else 0

    def close(self, run: str) -> bool:
        """Record that the input is whole; see RunInputs."""
        return bool(self.database.run(_CLOSE, id=run))

    def read(self, run: str) -> bytes | None:
        """Return the whole input; see RunInputs."""
        rows = self.database.run(_INPUT, id=run)
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def _run(row: dict[str, Any]) -> Run:
    return Run(**row | {"command": tuple(row["command"])})
