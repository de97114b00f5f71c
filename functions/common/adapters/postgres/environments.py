"""Environments: production and previews."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.environment import Environment, EnvironmentState, preview
from functions.common.errors import Unavailable
from functions.common.ports.apps import OpenedEnvironment, TooManyPreviews

# One statement: the existing row, reopened when closed, or a new one. It returns nothing when a concurrent call has
# just created the row, or when another branch has the name.
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
select name, branch, label, pushed_at is null or pushed_at < opened_at as is_new from (
    select * from changed union all select * from made
    union all select * from found where not exists (select from changed)
) as now
"""
_IS_OPEN = """
select 1 from environments where app = :app and branch = :branch and name <> 'production' and state = 'open'
"""
_LOCK_APP = "select 1 from projects where name = :app for no key update"
_COUNT_OPEN = "select count(*) from environments where app = :app and name <> 'production' and state = 'open'"
_CLOSE_PREVIEWS = """
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
    """Environments over the table environments."""

    database: Postgres

    def open(self, wanted: Environment, *, previews: int = 0) -> OpenedEnvironment:
        """Open the environment of a branch; see Environments."""
        if wanted.is_production or not previews or self._is_open(wanted):
            return self._opened(wanted)
        with self.database.transaction():
            self.database.run(_LOCK_APP, app=wanted.app)  # two branches at once: the second one counts the first
            if self.database.run(_COUNT_OPEN, app=wanted.app)[0][0] >= previews and not self._is_open(wanted):
                msg = f"{wanted.app} has {previews} open previews"
                raise TooManyPreviews(msg)
            return self._opened(wanted)

    def _is_open(self, wanted: Environment) -> bool:
        return bool(self.database.run(_IS_OPEN, app=wanted.app, branch=wanted.branch))

    def _opened(self, wanted: Environment) -> OpenedEnvironment:
        for candidate in _candidates(wanted):
            rows = self._open(candidate)
            if rows:
                name, branch, label, is_new = rows[0]
                environment = Environment(app=wanted.app, name=name, branch=branch, label=label)
                return OpenedEnvironment(environment=environment, is_new=is_new)
        msg = f"the environment {wanted.app}/{wanted.name} is being changed by concurrent calls; try again"
        raise Unavailable(msg)

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; see Environments."""
        rows = self.database.rows(_CLOSE_PREVIEWS, apps=list(apps), branch=branch)
        return tuple(Environment(**row, state=EnvironmentState.CLOSED) for row in rows)

    def _open(self, wanted: Environment) -> list[list[Any]]:
        where = {"app": wanted.app, "name": wanted.name, "branch": wanted.branch, "label": wanted.label}
        return self.database.run(_OPEN, **where)


def _candidates(wanted: Environment) -> Iterator[Environment]:
    """Yield each name twice: the second attempt finds a row that a concurrent call has created."""
    yield wanted
    yield wanted
    if not wanted.is_production:
        other = preview(wanted.app, wanted.branch, digest_length=_LONGER_DIGEST)
        yield other
        yield other


_COLUMNS = "e.app, e.name, e.branch, e.label, e.state"
_EXPIRED = f"""
select {_COLUMNS} from environments as e
where state = 'open' and name <> 'production'
    and coalesce(pushed_at, opened_at) < now() - cast(:older_than as interval)
order by coalesce(pushed_at, opened_at) limit :limit
"""  # noqa: S608 - the columns are constants
_ORPHANED = f"""
select {_COLUMNS} from environments as e
join projects as a on a.name = e.app join forge_repositories as f on f.repository = a.git_key
where e.state = 'open' and e.name <> 'production' and greatest(e.pushed_at, e.opened_at) < f.read_at
    and not exists (select 1 from forge_heads as h where h.repository = a.git_key and h.branch = e.branch)
order by e.app, e.name limit :limit
"""  # noqa: S608 - as above
_CLOSE_PREVIEW = """
update environments set state = 'closed', closed_at = now()
where app = :app and name = :environment and name <> 'production' and state = 'open' returning name
"""
_UNSWEPT = f"""
select {_COLUMNS} from environments as e
where state = 'closed' and closed_at < now() - cast(:longer_than as interval)
    and (swept_at is null or swept_at < closed_at)
order by closed_at limit :limit
"""  # noqa: S608 - as above
_LEFTOVERS = """
select 'its DNS record' from dns_records where host = :host and state = 'ready'
union all select 'its certificate' from certificates where host = :host and state in ('ready', 'failed')
"""
_SWEPT = "update environments set swept_at = now() where app = :app and name = :environment and state = 'closed'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStalePreviews:
    """StalePreviews over the tables environments and forge_heads."""

    database: Postgres

    def expired(self, *, older_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return previews without recent pushes; see StalePreviews."""
        return _environments(self.database.rows(_EXPIRED, older_than=older_than, limit=limit))

    def orphaned(self, *, limit: int) -> tuple[Environment, ...]:
        """Return previews without their branch; see StalePreviews."""
        return _environments(self.database.rows(_ORPHANED, limit=limit))

    def close(self, app: str, environment: str) -> bool:
        """Close a preview; see StalePreviews."""
        return bool(self.database.run(_CLOSE_PREVIEW, app=app, environment=environment))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPreviewSweeper:
    """PreviewSweeper over the tables environments, dns_records and certificates."""

    database: Postgres

    def unswept(self, *, longer_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return closed previews that are not marked as swept; see PreviewSweeper."""
        return _environments(self.database.rows(_UNSWEPT, longer_than=longer_than, limit=limit))

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Return what is recorded for a host; see PreviewSweeper."""
        return tuple(row[0] for row in self.database.run(_LEFTOVERS, host=host))

    def mark_swept(self, app: str, environment: str) -> None:
        """Record that nothing is left; see PreviewSweeper."""
        self.database.run(_SWEPT, app=app, environment=environment)


def _environments(rows: list[dict[str, Any]]) -> tuple[Environment, ...]:
    return tuple(Environment(**row | {"state": EnvironmentState(row["state"])}) for row in rows)
