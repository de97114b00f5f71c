"""Releases, environments and builds as people read them; the column `config` is never selected."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.ports.history import BuildRecord, EnvironmentRecord, ReleaseRecord

_RELEASE = """
select app, environment, number, kind, state, sha, push, digest, image,
    array(select jsonb_object_keys(processes) order by 1) as processes, step, reason, note, created_at, ended_at,
    extract(epoch from coalesce(ended_at, now()) - created_at)::float8 as seconds
from releases where app = :app and environment = :environment
"""
_RELEASES = _RELEASE + "and (:before::int = 0 or number < :before::int) order by number desc limit :limit"
_ONE = _RELEASE + "and number = :number"
_RETIRED = """
and state = 'retired' and number < coalesce(
    (select max(number) from releases where app = :app and environment = :environment and state = 'live'), 2147483647)
order by number desc limit 1
"""
_BEFORE_LIVE = _RELEASE + _RETIRED
_ENVIRONMENTS = """
select e.app, e.name, e.branch, e.label, e.state, e.opened_at, e.pushed_at, e.closed_at,
    coalesce((select max(number) from releases where app = e.app and environment = e.name and state = 'live'), 0)
        as release
from environments as e where e.app = :app
order by e.state = 'closed', e.name <> 'production', e.name
"""
_BUILD = """
select name, app, environment, push, sha, ref, state, digest, step, reason, started_at, ended_at,
    extract(epoch from coalesce(ended_at, now()) - started_at)::float8 as seconds
from builds
"""
_NEWEST = """
where app = :app and (:environment = '' or environment = :environment)
    and (:before = '' or (started_at, name) < (select started_at, name from builds where name = :before))
order by started_at desc, name desc limit :limit
"""
_BUILDS = _BUILD + _NEWEST
_BUILD_BY_NAME = _BUILD + "where name = :name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseHistory:
    """ReleaseHistory over the tables releases and environments."""

    database: Postgres

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return releases, newest first; see ReleaseHistory."""
        rows = self.database.rows(_RELEASES, app=app, environment=environment, before=before, limit=limit)
        return tuple(_release(row) for row in rows)

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return the release to go back to; see ReleaseHistory."""
        if number:
            rows = self.database.rows(_ONE, app=app, environment=environment, number=number)
        else:
            rows = self.database.rows(_BEFORE_LIVE, app=app, environment=environment)
        return _release(rows[0]) if rows else None

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments; see ReleaseHistory."""
        return tuple(EnvironmentRecord(**row) for row in self.database.rows(_ENVIRONMENTS, app=app))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuildHistory:
    """BuildHistory over the table builds."""

    database: Postgres

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return builds, newest first; see BuildHistory."""
        rows = self.database.rows(_BUILDS, app=app, environment=environment, before=before, limit=limit)
        return tuple(BuildRecord(**row) for row in rows)

    def build(self, name: str) -> BuildRecord | None:
        """Return one build; see BuildHistory."""
        rows = self.database.rows(_BUILD_BY_NAME, name=name)
        return BuildRecord(**rows[0]) if rows else None


def _release(row: dict[str, Any]) -> ReleaseRecord:
    return ReleaseRecord(**{**row, "processes": tuple(row["processes"])})
