"""A lock that goes with the connection: who dies holding it, leaves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres


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
