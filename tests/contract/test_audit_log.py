"""AuditLog: PostgreSQL fulfils the contract."""

import pytest

from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.client import Postgres
from tests.contract.audit_log import AuditLogContract, AuditWorld
from tests.contract.deliveries import NOWHERE


class _PostgresWorld:
    def __init__(self, url: str) -> None:
        self._database = Postgres(url)
        self.audit = PostgresAuditLog(database=self._database)

    def acts(self) -> list[tuple[str, str, str, str]]:
        rows = self._database.run("select actor, action, target, detail from audit_log order by id")
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def counts(self) -> list[tuple[int, str]]:
        rows = self._database.run(
            "select sum(count), (array_agg(latest order by id desc))[1] from audit_log "
            "group by actor, action, target, detail order by min(id)"
        )
        return [(row[0], row[1]) for row in rows]

    def break_down(self) -> None:
        self.audit = PostgresAuditLog(database=Postgres(NOWHERE))


class TestPostgres(AuditLogContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> AuditWorld:
        """Return a log in a new database."""
        return _PostgresWorld(database)
