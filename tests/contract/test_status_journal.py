"""Status journals: PostgreSQL fulfils the contract."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.forge import PostgresStatusJournal
from functions.common.ports.forge import StatusJournal
from tests.contract.status_journal import StatusJournalContract


class TestPostgres(StatusJournalContract):
    """In a real database."""

    @pytest.fixture
    def journal(self, database: str) -> StatusJournal:
        """Return a new journal."""
        return PostgresStatusJournal(database=Postgres(database))
