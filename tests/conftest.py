"""What every test may use."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.migrations import migrate
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
def template(server: str) -> str:
    """Return the name of a migrated database, to be copied for each test."""
    maintenance = Postgres(server)
    maintenance.run("create database slipway_template")
    database = Postgres(server.rpartition("/")[0] + "/slipway_template")
    migrate(database, ROOT / "schemas" / "migrations")
    local = ROOT / "functions" / "local" / "migrations"
    if local.exists():
        migrate(database, local)
    database.close()
    maintenance.close()
    return "slipway_template"


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    """Return the URL of a fresh, migrated database of this test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    maintenance = Postgres(server)
    maintenance.run(f"create database {name} template {template}")
    yield server.rpartition("/")[0] + f"/{name}"
    maintenance.run(f"drop database if exists {name} with (force)")
    maintenance.close()


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """Return the platform that most functions are tested on: a database with the app hello."""
    world = World(database)
    world.app()
    yield world
    world.database.close()
