"""The apps in the table projects."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from functions.common.adapters.postgres import Postgres
from functions.common.domain.app import App
from functions.common.ports.app_register import AppRecord

_SELECT = """
select p.id::text as id, p.name, p.git_url, p.branch, p.paths, p.git_repo_name, p.domain, p.created_at,
    array(select host from custom_domains where app = p.name order by host) as hosts,
    coalesce((select number from releases where app = p.name and environment = 'production' and state = 'live'
              order by number desc limit 1), 0) as release,
    coalesce((select state from pushes where app = p.name and environment = 'production' and state <> 'ignored'
              order by sequence desc limit 1), '') as pushed
from projects as p
"""
_FIND = _SELECT + "where p.name = :name or p.id = :id::uuid order by p.name = :name desc limit 1"
_PAGE = _SELECT + "where p.name > :after order by p.name limit :limit"
_MOVING = ("received", "building", "releasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppRegister:
    """AppRegister over the tables projects, releases and pushes."""

    database: Postgres

    def find(self, reference: str) -> AppRecord | None:
        """Return the app with this name or id; see AppRegister."""
        rows = self.database.rows(_FIND, name=reference, id=_uuid(reference))
        return _record(rows[0]) if rows else None

    def page(self, *, after: str, limit: int) -> tuple[AppRecord, ...]:
        """Return a page of apps; see AppRegister."""
        return tuple(_record(row) for row in self.database.rows(_PAGE, after=after, limit=limit))


def _record(row: dict[str, Any]) -> AppRecord:
    app = App(
        id=row["id"],
        name=row["name"],
        git_url=row["git_url"],
        branch=row["branch"],
        domain=row["domain"],
        custom_domains=tuple(row["hosts"]),
        paths=tuple(row["paths"]),
    )
    return AppRecord(
        app=app,
        repository=row["git_repo_name"],
        state=_state(row["pushed"], row["release"]),
        release=row["release"],
        created_at=row["created_at"],
    )


def _state(pushed: str, release: int) -> str:
    if pushed in _MOVING:
        return "deploying"
    if release:
        return "live"
    return "failed" if pushed == "failed" else "new"


def _uuid(reference: str) -> str | None:
    try:
        return str(UUID(reference))
    except ValueError:
        return None
