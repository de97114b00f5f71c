"""A Rollout that never becomes ready is aborted at its limit, and its release is reported as failed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.release_limits import KubernetesReleaseLimits
from functions.common.events.release import WorkloadChanged
from functions.reconcile.recover import RecoverPushes, RecoverReleases
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.fakes.clock import FakeClock
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.functions.promote_image.promoter import Promoter
from tests.functions.reconcile.ticker import Ticker
from tests.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def cluster(ticker: Ticker) -> Iterator[KubernetesDeployerWorld]:
    """Return a cluster that reconcile looks after, with a clock far behind every deadline."""
    with loopback_kubernetes() as server:
        cluster = KubernetesDeployerWorld(server.api, Kind.ROLLOUT)
        late = FakeClock(time=FakeClock().time + timedelta(hours=1))
        limits = KubernetesReleaseLimits(api=server.api, clock=late)
        for name, kind in (("stuck", RecoverPushes), ("releases", RecoverReleases)):
            step = ticker.steps[name]
            assert isinstance(step, kind)
            ticker.steps[name] = replace(step, deployer=cluster.deployer, limits=limits)
        yield cluster


def stands_still(cluster: KubernetesDeployerWorld, release: int, push: str) -> None:
    cluster.deployer.apply(replace(cluster.workload(release), push=push))
    then = f"{FakeClock().time:%Y-%m-%dT%H:%M:%SZ}"
    condition = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": then}
    generation = (cluster.api.read(cluster.web) or {})["metadata"]["generation"]
    cluster.says({"observedGeneration": str(generation), "phase": "Progressing", "conditions": [condition]})


def test_a_push_whose_version_never_gets_ready_fails(
    world: World, ticker: Ticker, cluster: KubernetesDeployerWorld, tmp_path: Path
) -> None:
    push = world.push("a")
    Promoter(world, tmp_path / "images").promote(push)
    world.age("pushes", "moved_at", MINUTE)
    world.age("releases", "moved_at", MINUTE)
    stands_still(cluster, 1, push.id)

    ticker.tick("stuck")

    (report,) = world.sink.of(WorkloadChanged)
    assert (report.push, report.release, report.phase, report.step) == ("a", 1, "failed", "health check")


def test_a_rollback_whose_version_never_gets_ready_fails(
    world: World, ticker: Ticker, cluster: KubernetesDeployerWorld, tmp_path: Path
) -> None:
    promoter = Promoter(world, tmp_path / "images")
    promoter.promote(world.push("a"))
    world.database.run("update releases set state = 'live', ended_at = now()")
    promoter.roll_back(1)
    world.age("releases", "moved_at", MINUTE)
    stands_still(cluster, 2, "")

    ticker.tick("releases")

    (report,) = world.sink.of(WorkloadChanged)
    assert (report.release, report.phase) == (2, "failed")
