"""Status journals: the fake and PostgreSQL keep to the same contract."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.history import PostgresStatusJournal
from functions.common.ports.pushes import StatusJournal
from tests.contract.status_journal import StatusJournalContract
from tests.fakes.status_journal import FakeStatusJournal


class TestFake(StatusJournalContract):
    """In memory."""

    @pytest.fixture
    def journal(self) -> StatusJournal:
        """Return a new journal."""
        return FakeStatusJournal()


class TestPostgres(StatusJournalContract):
    """In a real database."""

    @pytest.fixture
    def journal(self, database: str) -> StatusJournal:
        """Return a new journal."""
        return PostgresStatusJournal(database=Postgres(database))
