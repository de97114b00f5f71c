"""AuditLog: the fake and PostgreSQL keep to the same contract."""

import pytest

from functions.common.adapters.postgres.access import PostgresAuditLog
from functions.common.adapters.postgres.client import Postgres
from tests.contract.audit_log import AuditLogContract, AuditWorld
from tests.contract.deliveries import NOWHERE
from tests.fakes.audit_log import FakeAuditLog


class _FakeWorld:
    def __init__(self) -> None:
        self.audit = FakeAuditLog()

    def acts(self) -> list[tuple[str, str, str, str]]:
        return [(act.actor, act.action, act.target, act.detail) for act in self.audit.acts]

    def break_down(self) -> None:
        self.audit.down = True


class _PostgresWorld:
    def __init__(self, url: str) -> None:
        self._database = Postgres(url)
        self.audit = PostgresAuditLog(database=self._database)

    def acts(self) -> list[tuple[str, str, str, str]]:
        rows = self._database.run("select actor, action, target, detail from audit_log order by id")
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def break_down(self) -> None:
        self.audit = PostgresAuditLog(database=Postgres(NOWHERE))


class TestFake(AuditLogContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> AuditWorld:
        """Return a new log."""
        return _FakeWorld()


class TestPostgres(AuditLogContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> AuditWorld:
        """Return a log in a new database."""
        return _PostgresWorld(database)
