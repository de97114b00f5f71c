"""Worlds for tests of rollouts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions.common.settings import Settings
from functions.local.rollouts.__main__ import compose
from tests.local.rollouts.world import RolloutWorld, rollout_world
from tests.local.waiting import until


@contextmanager
def controlled(world: RolloutWorld, **limits: str) -> Iterator[RolloutWorld]:
    """Run a controller around the block."""
    stop = threading.Event()
    settings = Settings(environment={**world.settings.environment, **limits})
    work, _ = compose(settings, world.database)
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield world
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def bare(database: str, tmp_path: Path) -> Iterator[RolloutWorld]:
    """Return a world without a controller."""
    with rollout_world(database, tmp_path / "home", pause=0.0) as world:
        yield world


@pytest.fixture
def world(bare: RolloutWorld) -> Iterator[RolloutWorld]:
    """Return a world whose sample app has release 1 live."""
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1))
        bare.live(1)
        until(bare.certified, why="the certificate")
        yield bare


@pytest.fixture
def slow(database: str, tmp_path: Path) -> Iterator[RolloutWorld]:
    """Return a world like `world` with a pause between canary steps."""
    with rollout_world(database, tmp_path / "home", pause=0.9) as bare:
        bare.certify()
        with controlled(bare):
            bare.deployer.apply(bare.workload(1))
            bare.live(1)
            until(bare.certified, why="the certificate")
            yield bare
