"""Finds releases that were begun before, and the images that only they used."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.release_rows import COLUMNS, release
from functions.common.domain.release import Release

_FIND = f"select {COLUMNS} from releases where app = :app and environment = :environment and number = :number"  # noqa: S608 - the columns are a constant
_NEWEST = f"""
select {COLUMNS} from releases
where app = :app and environment = :environment and state in ('started', 'live') order by number desc limit 1
"""  # noqa: S608 - as above
_ENVIRONMENTS = """
select name from environments where app = :app and state = 'open'
    and (name = :scope or (:scope = 'preview' and name <> 'production')) order by name
"""
_ORPHANS = """
select distinct image, digest from releases as gone
where app = :app and environment = :environment
    and not exists (select 1 from releases as kept where kept.digest = gone.digest
        and (kept.app, kept.environment) in (select app, name from environments where state = 'open'))
    and not exists (select 1 from builds as built where built.digest = gone.digest
        and (built.app, built.environment) in (select app, name from environments where state = 'open'))
order by image, digest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseArchive:
    """ReleaseArchive over the tables releases and environments."""

    database: Postgres

    def find(self, app: str, environment: str, number: int) -> Release | None:
        """Return one release; see ReleaseArchive."""
        rows = self.database.rows(_FIND, app=app, environment=environment, number=number)
        return release(rows[0]) if rows else None

    def newest(self, app: str, environment: str) -> Release | None:
        """Return the newest that is live or on its way; see ReleaseArchive."""
        rows = self.database.rows(_NEWEST, app=app, environment=environment)
        return release(rows[0]) if rows else None

    def environments(self, app: str, scope: str) -> tuple[str, ...]:
        """Return the open environments of a scope; see ReleaseArchive."""
        return tuple(row[0] for row in self.database.run(_ENVIRONMENTS, app=app, scope=scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAbandonedImages:
    """AbandonedImages over the tables releases, builds and environments."""

    database: Postgres

    def of(self, app: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Return the images that nothing open uses; see AbandonedImages."""
        rows = self.database.run(_ORPHANS, app=app, environment=environment)
        return tuple((image, digest) for image, digest in rows)
