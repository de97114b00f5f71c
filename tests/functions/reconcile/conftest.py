"""What the tests of reconcile share."""

from collections.abc import Iterator

import pytest

from tests.functions.reconcile.ticker import Ticker
from tests.world import World


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """Return a platform with one app."""
    world = World(database)
    world.app()
    yield world
    world.database.close()


@pytest.fixture
def ticker(world: World) -> Ticker:
    """Return its reconcile."""
    return Ticker(world)
