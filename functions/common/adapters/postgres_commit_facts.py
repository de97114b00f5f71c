"""Which commit an event is about, by the tables pushes and releases."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.ports.commit_facts import Commit

_OF_PUSH = """
select repository, sha, (extract(epoch from received_at) * 1000000)::bigint as position
from pushes where id = :push and app = :app
"""
_OF_RELEASE = """
select coalesce(nullif(p.repository, ''), a.git_key, '') as repository, r.sha,
    (extract(epoch from case when r.kind = 'push' then coalesce(p.received_at, r.created_at) else r.created_at end)
        * 1000000)::bigint as position
from releases as r
left join pushes as p on p.id = r.push and p.app = r.app
left join projects as a on a.name = r.app
where r.app = :app and r.environment = :environment and r.number = :number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCommitFacts:
    """CommitFacts over the tables pushes, releases and projects."""

    database: Postgres

    def of_push(self, push: str, app: str) -> Commit | None:
        """Return the commit of a push; see CommitFacts."""
        return _commit(self.database.rows(_OF_PUSH, push=push, app=app))

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit of a release; see CommitFacts."""
        return _commit(self.database.rows(_OF_RELEASE, app=app, environment=environment, number=number))


def _commit(rows: list[dict[str, Any]]) -> Commit | None:
    return Commit(**rows[0]) if rows else None
