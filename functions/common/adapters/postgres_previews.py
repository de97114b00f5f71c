"""Previews that are to go, and those that are gone, in the table environments."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.domain.environment import Environment, EnvironmentState

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
_CLOSE = """
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
class PostgresPreviewKeeper:
    """PreviewKeeper over the tables environments and forge_heads."""

    database: Postgres

    def expired(self, *, older_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return previews of an age; see PreviewKeeper."""
        return _environments(self.database.rows(_EXPIRED, older_than=older_than, limit=limit))

    def orphaned(self, *, limit: int) -> tuple[Environment, ...]:
        """Return previews without their branch; see PreviewKeeper."""
        return _environments(self.database.rows(_ORPHANED, limit=limit))

    def close(self, app: str, environment: str) -> bool:
        """Close a preview; see PreviewKeeper."""
        return bool(self.database.run(_CLOSE, app=app, environment=environment))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPreviewSweeper:
    """PreviewSweeper over the tables environments, dns_records and certificates."""

    database: Postgres

    def unswept(self, *, longer_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return closed previews of which something may be left; see PreviewSweeper."""
        return _environments(self.database.rows(_UNSWEPT, longer_than=longer_than, limit=limit))

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Return what is remembered of a host; see PreviewSweeper."""
        return tuple(row[0] for row in self.database.run(_LEFTOVERS, host=host))

    def swept(self, app: str, environment: str) -> None:
        """Note that nothing is left; see PreviewSweeper."""
        self.database.run(_SWEPT, app=app, environment=environment)


def _environments(rows: list[dict[str, Any]]) -> tuple[Environment, ...]:
    return tuple(Environment(**row | {"state": EnvironmentState(row["state"])}) for row in rows)
