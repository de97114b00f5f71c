"""Apps by repository, in the table projects."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.domain.app import App

_SELECT = """
select id::text, name, git_url, branch, domain, paths,
    array(select host from custom_domains where app = projects.name order by host) as custom_domains
from projects
"""
_BY_REPOSITORY = _SELECT + "where git_key = any(cast(:keys as text[])) and git_key <> '' order by name"
_BY_NAME = _SELECT + "where name = :name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppDirectory:
    """AppDirectory over the tables projects and custom_domains."""

    database: Postgres

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps of a repository; see AppDirectory."""
        return tuple(_app(row) for row in self.database.rows(_BY_REPOSITORY, keys=list(keys)))

    def by_name(self, name: str) -> App | None:
        """Return the app with this name; see AppDirectory."""
        rows = self.database.rows(_BY_NAME, name=name)
        return _app(rows[0]) if rows else None


def _app(row: dict[str, Any]) -> App:
    return App(**row | {"paths": tuple(row["paths"]), "custom_domains": tuple(row["custom_domains"])})
