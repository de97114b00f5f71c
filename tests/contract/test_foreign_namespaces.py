"""A namespace without Slipway's labels is neither taken over nor deleted by the deployer of a cluster."""

import uuid
from collections.abc import Iterator

import pytest

from functions.common.adapters.kubernetes.api import Object
from functions.common.adapters.kubernetes.names import APP, ENVIRONMENT, MANAGED, NAMESPACES, Kind, labels_of
from functions.common.errors import Rejected
from tests.contract.deployer import ask_after_removal
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.real_kubernetes import drop_namespace, real_api

THEIRS = ("wanted", "theirs")  # Secrets; the first has the name of Slipway's own
MARKS = pytest.mark.parametrize(
    "marks",
    [{}, {MANAGED: "Helm", APP: "{app}", ENVIRONMENT: "production"}, labels_of("another", "production")],
    ids=["no marks", "managed by another", "of another app"],
)


@pytest.fixture(params=["loopback", pytest.param("real", marks=pytest.mark.cluster)])
def world(request: pytest.FixtureRequest) -> Iterator[KubernetesDeployerWorld]:
    """Return a deployer without workloads."""
    if request.param == "loopback":
        with loopback_kubernetes() as server:
            yield KubernetesDeployerWorld(server.api, Kind.DEPLOYMENT)
        return
    api, app = real_api(), f"foreign-{uuid.uuid4().hex[:8]}"
    world = KubernetesDeployerWorld(api, Kind.DEPLOYMENT, app=app, end_namespace=drop_namespace)
    yield world
    drop_namespace(api, world.place.namespace)


def make_namespace(world: KubernetesDeployerWorld, marks: dict[str, str]) -> None:
    """Create a namespace with the name of the app's production."""
    metadata = {
        "name": world.place.namespace,
        "labels": {name: text.format(app=world.app) for name, text in marks.items()},
    }
    world.api.apply(path_of(world), {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def fill(world: KubernetesDeployerWorld) -> None:
    """Add foreign objects to it."""
    for name in THEIRS:
        body: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"theirs": "MQ=="}}
        world.api.apply(world.place.path("Secret", name), body)


def path_of(world: KubernetesDeployerWorld) -> str:
    return f"{NAMESPACES}/{world.place.namespace}"


def seen(world: KubernetesDeployerWorld) -> list[Object | None]:
    """Return the namespace and the foreign objects in it."""
    return [world.api.read(path) for path in (path_of(world), *(world.place.path("Secret", name) for name in THEIRS))]


@MARKS
def test_a_foreign_namespace_survives_the_removal(world: KubernetesDeployerWorld, marks: dict[str, str]) -> None:
    make_namespace(world, marks)
    fill(world)
    before = seen(world)

    world.deployer.remove(world.app, "production", through=1)
    world.deployer.apply(world.workload(1))  # a late request, whose objects are removed again

    assert seen(world) == before
    assert all(before)


@MARKS
def test_a_release_into_a_foreign_namespace_is_refused(world: KubernetesDeployerWorld, marks: dict[str, str]) -> None:
    make_namespace(world, marks)
    fill(world)
    before = seen(world)

    with pytest.raises(Rejected, match=f"namespace {world.place.namespace} exists and is not Slipway's: .* delete it"):
        world.deployer.apply(world.workload(1))

    assert seen(world) == before
    assert world.api.read(world.web) is None
    assert world.api.items(world.place.collection("ServiceAccount"), labels_of(world.app, "production")) == []
    assert world.deployer.observe(world.app, "production") is None


def test_an_own_namespace_is_deleted(world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(world.workload(1))
    labels = (world.api.read(path_of(world)) or {})["metadata"]["labels"]
    assert labels.items() >= labels_of(world.app, "production").items()
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"

    world.deployer.remove(world.app, "production", through=1)
    world.converge()

    assert world.api.read(path_of(world)) is None
    ask_after_removal(world, 2)
    assert world.api.read(world.web)


def test_a_repeat_continues_after_a_crash_behind_the_namespace(world: KubernetesDeployerWorld) -> None:
    make_namespace(world, labels_of(world.app, "production"))

    world.deployer.apply(world.workload(1))

    report = world.deployer.observe(world.app, "production")
    assert report
    assert report.release == 1


def test_a_repeat_continues_after_a_crash_before_the_record(world: KubernetesDeployerWorld) -> None:
    world.deployer.apply(world.workload(1))
    world.api.delete(world.place.path("Secret", "wanted"))

    world.deployer.apply(world.workload(1))

    report = world.deployer.observe(world.app, "production")
    assert report
    assert report.release == 1


def test_a_namespace_left_by_a_crash_is_deleted_too(world: KubernetesDeployerWorld) -> None:
    make_namespace(world, labels_of(world.app, "production"))

    world.deployer.remove(world.app, "production", through=1)
    world.converge()

    assert world.api.read(path_of(world)) is None
