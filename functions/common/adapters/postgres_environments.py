"""Environments, in the table environments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.domain.environment import Environment, EnvironmentState, preview
from functions.common.errors import Unavailable
from functions.common.ports.environments import Opened

# One statement: the row that is there, opened again when closed, or a new one. Nothing comes back when
# somebody else made the row at this moment, or when another branch holds the name.
_OPEN = """
with found as materialized (
    select * from environments where app = :app
        and case when :name = 'production' then name = 'production' else branch = :branch and name <> 'production' end
),
changed as (
    update environments as e set state = 'open', branch = :branch,
        opened_at = case when e.state = 'closed' then now() else e.opened_at end
    from found where e.app = found.app and e.name = found.name and (e.state = 'closed' or e.branch <> :branch)
    returning e.*
),
made as (
    insert into environments (app, name, branch, label)
    select :app, :name, :branch, :label where not exists (select from found)
    on conflict do nothing returning *
)
select name, branch, label, pushed_at is null or pushed_at < opened_at as fresh from (
    select * from changed union all select * from made
    union all select * from found where not exists (select from changed)
) as now
"""
_CLOSE = """
with closed as (
    update environments set state = 'closed', closed_at = now()
    where app = any(cast(:apps as text[])) and branch = :branch and name <> 'production' and state = 'open'
    returning app, name, branch, label
)
select app, name, branch, label from closed
union select app, name, branch, label from environments
    where app = any(cast(:apps as text[])) and branch = :branch and name <> 'production' and state = 'closed'
order by app, name
"""
_LONGER_DIGEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresEnvironments:
    """Environments over the table of that name."""

    database: Postgres

    def open(self, wanted: Environment) -> Opened:
        """Make sure that the branch has its environment; see Environments."""
        for candidate in _candidates(wanted):
            rows = self._open(candidate)
            if rows:
                name, branch, label, fresh = rows[0]
                environment = Environment(app=wanted.app, name=name, branch=branch, label=label)
                return Opened(environment=environment, fresh=fresh)
        msg = f"the environment {wanted.app}/{wanted.name} is being changed by others; try again"
        raise Unavailable(msg)

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; see Environments."""
        rows = self.database.rows(_CLOSE, apps=list(apps), branch=branch)
        return tuple(Environment(**row, state=EnvironmentState.CLOSED) for row in rows)

    def _open(self, wanted: Environment) -> list[list[Any]]:
        where = {"app": wanted.app, "name": wanted.name, "branch": wanted.branch, "label": wanted.label}
        return self.database.run(_OPEN, **where)


def _candidates(wanted: Environment) -> Iterator[Environment]:
    """Yield each name twice: when others made the row in between, the second look finds it."""
    yield wanted
    yield wanted
    if not wanted.is_production:
        other = preview(wanted.app, wanted.branch, digest_length=_LONGER_DIGEST)
        yield other
        yield other
