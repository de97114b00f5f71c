"""What has not moved for a while, and the lock of a tick."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.pushes import COLUMNS as PUSH_COLUMNS
from functions.common.adapters.postgres.pushes import push
from functions.common.adapters.postgres.releases import COLUMNS as RELEASE_COLUMNS
from functions.common.adapters.postgres.releases import release
from functions.common.ports.stuck_work import StuckPush, StuckRelease

# Pushes and releases that have not moved for a while.

_PUSHES = f"""
select {PUSH_COLUMNS},
    coalesce((select name from builds where builds.push = pushes.id and builds.app = pushes.app
        order by started_at desc limit 1), '') as build,
    now() - greatest(moved_at, (select max(r.moved_at) from releases as r
        where r.push = pushes.id and r.app = pushes.app and r.push <> '')) as idle
from pushes where ended_at is null and moved_at < now() - cast(:longer_than as interval)
order by moved_at limit :limit
"""  # noqa: S608 - the columns are constants
# A push may end without its release, as when the event is given up: then the release hangs by itself.
_RELEASES = f"""
select {RELEASE_COLUMNS}, cause, now() - moved_at as idle
from releases where state = 'started' and moved_at < now() - cast(:longer_than as interval)
    and not exists (select from pushes
        where pushes.id = releases.push and pushes.app = releases.app and pushes.ended_at is null)
order by moved_at limit :limit
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStuckPushes:
    """StuckPushes over the table pushes."""

    database: Postgres

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckPush, ...]:
        """Return pushes that may hang; see StuckPushes."""
        found = []
        for row in self.database.rows(_PUSHES, longer_than=longer_than, limit=limit):
            build, idle = row.pop("build"), row.pop("idle")
            found.append(StuckPush(push=push(row), build=build, idle=idle))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStuckReleases:
    """StuckReleases over the table releases."""

    database: Postgres

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckRelease, ...]:
        """Return releases that may hang; see StuckReleases."""
        rows = self.database.rows(_RELEASES, longer_than=longer_than, limit=limit)
        return tuple(StuckRelease(release=release(row), cause=row["cause"], idle=row["idle"]) for row in rows)


# A lock that goes with the connection: who dies holding it, leaves it.


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTickLock:
    """TickLock over PostgreSQL's advisory locks; `number` says which."""

    database: Postgres
    number: int

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Try to hold the lock; see TickLock."""
        held = bool(self.database.run("select pg_try_advisory_lock(:number)", number=self.number)[0][0])
        try:
            yield held
        finally:
            if held:
                self.database.run("select pg_advisory_unlock(:number)", number=self.number)
