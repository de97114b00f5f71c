"""What every test may use."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.databases import Databases
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.patience import FACTOR, patient
from tests.postgres_server import postgres_server
from tests.world import World

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


# The tests below each of these share a server or a platform, so that one worker runs them.
TOGETHER = (
    "tests/local/pipeline/",
    "tests/cli/",
    "tests/invariants/test_17_isolated.py",
    "tests/common/test_postgres_tls.py",
    "tests/common/test_request_bodies.py",
    "tests/common/test_served_requests.py",
    "tests/local/git/test_access.py",
    "tests/local/git/test_bad_requests.py",
    "tests/local/git/test_push.py",
    "tests/local/git/test_ssh.py",
    "tests/local/broker/test_ingress.py",
    "tests/local/rollouts/test_one_off.py",
)
# Those that wait longest come first, so that no worker is left alone with one of them at the end.
FIRST = tuple(f"tests/{place}" for place in ("local/pipeline", "local/platform", "local/rollouts", "local", "contract"))


class Scheduling(LoadScopeScheduling):
    """Gives each test to the next worker that has nothing to do, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return next(filter(nodeid.startswith, TOGETHER), nodeid)


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each core, as most tests wait for other processes."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Return how tests are spread over the workers."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what waits longest first, and multiply time limits by the patience of this machine."""
    usual = float(config.getini("timeout"))
    for item in items:
        if FACTOR != 1:
            own = item.get_closest_marker("timeout")
            item.add_marker(pytest.mark.timeout(patient(own.args[0] if own else usual)), append=False)
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave out what was collected: four thousand tests, which it would find each time."""
    gc.collect()
    gc.freeze()


def _turn(item: pytest.Item) -> int:
    return next((number for number, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))


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
def broker() -> Iterator[LoopbackBroker]:
    """Return a broker of this machine that keeps the events it gets."""
    with loopback_broker() as running:
        yield running


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """Return the platform that most functions are tested on: a database with the app hello."""
    world = World(database)
    world.app()
    yield world
    world.database.close()
