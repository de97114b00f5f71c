"""Dead letters: PostgreSQL fulfils the contract."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresDeadLetters
from functions.common.ports.events import DeadLetters
from tests.contract.dead_letters import DeadLettersContract


class TestPostgres(DeadLettersContract):
    """In a real database."""

    @pytest.fixture
    def letters(self, database: str) -> DeadLetters:
        """Return a new store."""
        return PostgresDeadLetters(database=Postgres(database))
