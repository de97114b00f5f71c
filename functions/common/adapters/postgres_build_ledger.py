"""The state machine of builds, in the table builds."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.build_rows import build, ending
from functions.common.adapters.build_statements import BEGIN, END, GIVE_UP, UNKNOWN
from functions.common.adapters.postgres import Postgres
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, attempt_name
from functions.common.domain.push import PushState
from functions.common.errors import Unavailable
from functions.common.ports.build_ledger import Beginning, Ended

_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuildLedger:
    """BuildLedger and BuildNames over the tables builds, environments and pushes."""

    database: Postgres

    def begin(self, order: BuildOrder, *, repository: str, sequence: int) -> Beginning:
        """Begin, adopt, use again or refuse a build; see BuildLedger."""
        values = {"app": order.app, "environment": order.environment, "push": order.push, "sha": order.sha}
        values |= {"ref": order.ref, "repository": repository}
        attempts = 0
        for _ in range(_TRIES):
            name = attempt_name(order.name, attempts + 1)
            row = self.database.rows(BEGIN, **values, name=name, attempts=attempts, sequence=sequence)[0]
            if row["name"] or row["overtaken"] or row["push_ended"]:
                return _beginning(row)
            attempts = row["attempts"]
        msg = f"build {order.name} is being changed by others; try again"
        raise Unavailable(msg)

    def end(self, result: BuildResult) -> Ended | None:
        """Record the end of a running build; see BuildLedger."""
        for _ in range(_TRIES):
            rows = self.database.rows(END, **ending(result))
            if not rows:
                return None
            if rows[0]["state"] != BuildState.RUNNING:  # else it was ended by another report at this moment
                return Ended(build=build(rows[0]), heir=rows[0]["heir"] or "")
        msg = f"build {result.name} is being changed by others; try again"
        raise Unavailable(msg)

    def give_up(self, app: str, environment: str, *, cause: str) -> tuple[str, ...]:
        """Note why what runs is cancelled; see BuildLedger."""
        return tuple(row[0] for row in self.database.run(GIVE_UP, app=app, environment=environment, cause=cause))

    def unknown(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the names that no build has; see BuildNames."""
        return tuple(row[0] for row in self.database.run(UNKNOWN, names=list(names))) if names else ()


def _beginning(row: dict[str, Any]) -> Beginning:
    return Beginning(
        build=build(row) if row["name"] else None,
        overtaken=row["overtaken"] or "",
        push_state=PushState(row["push_state"]) if row["push_state"] else None,
        push_reason=row["push_reason"] or "",
        cancel=tuple(row["cancel"]),
        adopted=tuple(row["adopted"]),
    )
