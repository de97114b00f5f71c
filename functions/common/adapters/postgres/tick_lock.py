"""The lock of periodic runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTickLock:
    """TickLock over the advisory lock `number`; PostgreSQL releases it when the connection ends."""

    database: Postgres
    number: int

    @contextmanager
    def try_acquire(self) -> Iterator[bool]:
        """Try to take the lock; see TickLock."""
        held = bool(self.database.run("select pg_try_advisory_lock(:number)", number=self.number)[0][0])
        try:
            yield held
        finally:
            if held:
                self.database.run("select pg_advisory_unlock(:number)", number=self.number)
