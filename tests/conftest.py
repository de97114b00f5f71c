"""What every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.patience import FACTOR, patient
from tests.postgres_server import postgres_server
from tests.world import World

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Multiply each test's own time limit by the patience of this machine."""
    if FACTOR == 1:
        return
    usual = float(config.getini("timeout"))
    for item in items:
        own = item.get_closest_marker("timeout")
        item.add_marker(pytest.mark.timeout(patient(own.args[0] if own else usual)), append=False)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a running PostgreSQL."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def databases(server: str) -> Iterator[Databases]:
    """Return the migrated databases of that server."""
    databases = Databases(server, ROOT / "schemas" / "migrations", ROOT / "functions" / "local" / "migrations")
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """Return the URL of an empty, migrated database of this test's own."""
    with databases.one() as url:
        yield url


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """Return the platform that most functions are tested on: a database with the app hello."""
    world = World(database)
    world.app()
    yield world
    world.database.close()
