"""ReleaseLimits of a cluster: only a Rollout past its deadline that Argo does not end is aborted."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.release_limits import KubernetesReleaseLimits
from functions.common.errors import Unavailable
from functions.common.ports.clock import Clock
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.fakes.clock import FakeClock
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.real_kubernetes import real_api, real_namespace

LIMIT = 40
LATE, EARLY = timedelta(seconds=51), timedelta(seconds=49)


@pytest.fixture(params=["loopback", pytest.param("real", marks=pytest.mark.cluster)])
def world(request: pytest.FixtureRequest) -> Iterator[KubernetesDeployerWorld]:
    """Return an API server with release 1 of an app as a Rollout; the test is Argo."""
    if request.param == "loopback":
        with loopback_kubernetes("limits") as server:
            yield applied(server.api, "limits")
        return
    api = real_api()
    with real_namespace(api, "limits") as namespace:
        yield applied(api, namespace)


def applied(api: KubernetesApi, namespace: str) -> KubernetesDeployerWorld:
    world = KubernetesDeployerWorld(api, Kind.ROLLOUT, shared=namespace, health_limit=LIMIT)
    world.deployer.apply(world.workload(1))
    return world


def stands_still(
    world: KubernetesDeployerWorld,
    clock: FakeClock,
    by: timedelta,
    reason: str = "ReplicaSetUpdated",
    **changes: object,
) -> None:
    """Set the time since Argo's last progress."""
    since = (clock.now() - by).strftime("%Y-%m-%dT%H:%M:%SZ")
    progress = {"type": "Progressing", "status": "True", "reason": reason, "message": ""}
    condition = {**progress, "lastUpdateTime": since, "lastTransitionTime": since}
    found = world.api.read(world.web) or {}
    seen = str(found["metadata"]["generation"])
    world.says({"observedGeneration": seen, "phase": "Progressing", "conditions": [condition], **changes})


def limits(world: KubernetesDeployerWorld, clock: Clock) -> KubernetesReleaseLimits:
    return KubernetesReleaseLimits(api=world.api, clock=clock, shared_namespace=world.place.namespace)


def is_aborted(world: KubernetesDeployerWorld) -> bool:
    return bool((world.api.read(world.web) or {})["status"].get("abort"))


def test_a_version_without_progress_until_its_deadline_is_aborted(world: KubernetesDeployerWorld) -> None:
    clock = FakeClock()
    stands_still(world, clock, LATE)

    report = limits(world, clock).enforce("hello", "production")

    assert report
    assert is_aborted(world)
    assert (report.app, report.environment, report.release, report.push) == ("hello", "production", 1, "push-1")
    assert (report.phase, report.step) == ("failed", "health check")
    assert "40 s" in report.reason
    assert limits(world, clock).enforce("hello", "production") is None, "once"


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        (EARLY, {}),
        (LATE, {"phase": "Paused"}),
        (LATE, {"reason": "RolloutPaused"}),
        (LATE, {"reason": "RolloutAborted"}),
        (LATE, {"phase": "Healthy"}),
        (LATE, {"observedGeneration": "0"}),
    ],
    ids=["in time", "paused", "just resumed", "tried again", "live", "of an older spec"],
)
def test_other_rollouts_are_not_aborted(world: KubernetesDeployerWorld, by: timedelta, changes: dict[str, str]) -> None:
    clock = FakeClock()
    stands_still(world, clock, by, **changes)
    assert limits(world, clock).enforce("hello", "production") is None
    assert not is_aborted(world)


def test_without_a_rollout_nothing_is_aborted(world: KubernetesDeployerWorld) -> None:
    assert limits(world, FakeClock()).enforce("hello", "preview") is None


class _ClockDuringWhich(FakeClock):
    happens: Callable[[], None]

    def now(self) -> datetime:
        self.happens()
        return super().now()


def test_a_release_that_is_requested_meanwhile_is_not_aborted(world: KubernetesDeployerWorld) -> None:
    clock = _ClockDuringWhich()
    clock.happens = lambda: None
    stands_still(world, clock, LATE)
    clock.happens = lambda: world.deployer.apply(world.workload(2))

    with pytest.raises(Unavailable):
        limits(world, clock).enforce("hello", "production")

    assert not is_aborted(world)
