"""Checks the outcome in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from functions.common.adapters.postgres.client import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts of what must not happen."""

    lost: int
    built_twice: int
    older_over_newer: int
    stuck: int
    not_at_their_last_commit: int

    @property
    def is_clean(self) -> bool:
        """Whether every count is 0."""
        return not any((self.lost, self.built_twice, self.older_over_newer, self.stuck, self.not_at_their_last_commit))


def verdict(database: Postgres, commits: Mapping[str, Sequence[str]]) -> Verdict:
    """Return the counts; `commits` are each app's shas in the order of their pushes."""
    recorded = {(row[0], row[1]) for row in database.run("select app, sha from pushes")}
    expected = [(app, sha) for app, shas in commits.items() for sha in shas]
    builds = database.run("select 1 from builds group by app, environment, sha having count(*) > 1")
    ordered = database.run("select 1 from platform.builds group by app, environment, sha having count(*) > 1")
    return Verdict(
        lost=sum(key not in recorded for key in expected),
        built_twice=max(len(builds), len(ordered)),
        older_over_newer=sum(older_over_newer(database, app, shas) for app, shas in commits.items()),
        stuck=len(unfinished(database)),
        not_at_their_last_commit=sum(live(database, app) != shas[-1] for app, shas in commits.items()),
    )


def unfinished(database: Postgres) -> list[str]:
    """Return the pushes that have not ended."""
    return [str(row[0]) for row in database.run("select id from pushes where ended_at is null")]


def live(database: Postgres, app: str) -> str:
    """Return the commit that serves an app's production."""
    rows = database.run(
        "select sha from releases where app = :app and environment = 'production' and state = 'live'", app=app
    )
    return str(rows[0][0]) if rows else ""


def older_over_newer(database: Postgres, app: str, shas: Sequence[str]) -> int:
    """Return how often a release of an older commit followed one of a newer commit."""
    rows = database.run(
        "select sha from releases where app = :app and environment = 'production' order by number", app=app
    )
    places = [shas.index(row[0]) for row in rows]
    return sum(later < earlier for earlier, later in pairwise(places))
