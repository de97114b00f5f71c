"""Invariant 6: a failed build, release command, health check or canary leaves the running version
serving, with no request lost.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.local.builder import LocalBuilder
from functions.common.domain.build import BuildOrder, BuildState
from functions.local.builds.job import Workspace
from functions.local.builds.orders import Orders
from functions.local.builds.runner import BuildRunner
from functions.local.sandbox.isolation import Limits, detect
from functions.local.tools import beside_python
from tests.local.repositories import SERVER, make_repository
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.load import Load, under_load
from tests.local.rollouts.world import RolloutWorld, rollout_world
from tests.local.waiting import until


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[RolloutWorld]:
    """Return a platform on which release 1 of an app is live."""
    with rollout_world(database, tmp_path / "home", pause=0.5) as bare:
        bare.certify()
        with controlled(bare):
            bare.deployer.apply(bare.workload(1))
            bare.live(1)
            until(bare.certified, why="the certificate")
        with controlled(bare, SLIPWAY_HEALTH_LIMIT="3"):
            yield bare


def test_untouched(world: RolloutWorld, tmp_path: Path) -> None:
    """All that can fail fails, one after the other, while clients that never try twice ask for the app."""
    load = Load(host=world.host, port=world.apps_port, context=world.client_context())
    with under_load(load, posts=False):
        until(lambda: len(load.answers) > 20, why="load")
        assert failed_build(world, tmp_path) is BuildState.FAILED
        steps = []
        failures: list[tuple[str, dict[str, str]]] = [("", {"release": "exit 1"}), ("unhealthy", {}), ("errors", {})]
        for release, (mode, processes) in enumerate(failures, start=2):
            world.deployer.apply(world.workload(release, mode, processes=processes))
            report = world.ended(release)
            assert report.phase == "failed", report
            steps.append(report.step.partition(" at ")[0])
        before = len(load.answers)
        until(lambda: len(load.answers) > before + 100, why="answers after all that")

    assert steps == ["release command", "health check", "canary"]
    assert load.failures == []
    assert load.shares().keys() == {"release 1"}


def failed_build(world: RolloutWorld, folder: Path) -> BuildState | None:
    """Build a commit without any language, and return how that ended."""
    repository = make_repository(folder, home=world.home)
    order = BuildOrder(
        name="hello-bad",
        app="hello",
        environment="production",
        push="push-bad",
        clone_url=repository.clone_url,
        ref="refs/heads/main",
        sha=repository.commit({"README": "nothing to run"}),
    )
    builder = LocalBuilder(database=world.database)
    builder.start(order)
    workspace = Workspace(
        home=world.home,
        environment={"PATH": "/usr/bin:/bin"},
        uv=str(beside_python("uv")),
        tools="",
        limit=60,
        git_url=SERVER,
        isolation=detect(world.settings),
        limits=Limits(),
    )
    stop = threading.Event()
    runner = BuildRunner(orders=Orders(database=world.database, cipher=FernetCipher()), workspace=workspace)
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        until(lambda: (seen := builder.observe(order.name)) and seen.state is not BuildState.RUNNING, why="the build")
    finally:
        stop.set()
        thread.join()
    result = builder.observe(order.name)
    return result.state if result else None
