"""What the tests of reconcile share."""

import pytest

from tests.functions.reconcile.ticker import Ticker
from tests.world import World


@pytest.fixture
def ticker(world: World) -> Ticker:
    """Return its reconcile."""
    return Ticker(world)
