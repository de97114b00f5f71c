"""Who can connect to what, where the network enforces NetworkPolicies: by pods that try it."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import NAMESPACE
from tests.cluster.kit.steps import StepError
from tests.cluster.kit.user import User
from tests.local.waiting import until
from tests.patience import patient

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
APP = "walled"
POD = "visitor"
BUILDS = "slipway-builds"
NODE = {"API server", "kubelet", "registry", "forge"}
SECONDS = 3  # an address that answers does so in milliseconds


@pytest.fixture(scope="module")
def places(user: User, kubectl: Kubectl) -> Iterator[dict[str, str]]:
    """Yield the namespaces, by what they are, each with a pod that has a shell."""
    user.deploy()
    listed = json.loads(kubectl("get", "namespaces", "-l", f"slipway.dev/app={user.app}", "-o", "json"))["items"]
    found = {"app": listed[0]["metadata"]["name"], "builds": BUILDS, "other": "default", "functions": NAMESPACE}
    try:
        for namespace in found.values():
            kubectl.apply([_pod(namespace)])
        for namespace in found.values():
            kubectl("wait", "--for=condition=Ready", f"pod/{POD}", "-n", namespace, f"--timeout={patient(60):.0f}s")
        _await_rules(kubectl, found["app"])
        yield found
    finally:
        for namespace in found.values():
            kubectl("delete", "pod", POD, "-n", namespace, "--ignore-not-found", "--grace-period=0", "--force")


@pytest.fixture(scope="module")
def targets(kubectl: Kubectl) -> dict[str, tuple[str, int]]:
    """Return addresses and ports; a function's pod is there while it is asked for."""
    return {
        "broker": (_address(kubectl, "knative-eventing", "eventing.knative.dev/brokerRole=ingress"), 8080),
        "database": (_address(kubectl, "data", "app=postgres"), 5432),
        "API server": (CLUSTER.address, CLUSTER.port),
        "kubelet": (CLUSTER.address, 10250),
        "registry": (CLUSTER.address, 5000),
        "forge": (CLUSTER.address, 3000),
    }


@pytest.mark.parametrize(
    ("place", "reached"),
    [
        ("functions", {"broker", "database", *NODE}),
        ("app", set()),
        ("builds", {"registry", "forge"}),
        ("other", NODE),
    ],
)
def test_pods_reach_what_their_namespace_may(
    kubectl: Kubectl, places: dict[str, str], targets: dict[str, tuple[str, int]], place: str, reached: set[str]
) -> None:
    assert {name for name, target in targets.items() if connects(kubectl, places[place], target)} == reached


@pytest.mark.parametrize("place", ["app", "builds", "other"])
def test_no_pod_reaches_a_function(kubectl: Kubectl, user: User, places: dict[str, str], place: str) -> None:
    user.paas("apps", "list")  # manage-apps has a pod then
    address = _address(kubectl, NAMESPACE, "serving.knative.dev/service=manage-apps")
    for port in (8012, 8080):  # of the queue-proxy and of the function
        assert not connects(kubectl, places[place], (address, port)), port


def test_functions_reach_the_database_and_the_broker(user: User) -> None:
    assert user.paas_json("attention") is not None
    assert user.deploy()


def connects(kubectl: Kubectl, namespace: str, target: tuple[str, int]) -> bool:
    """Return whether the pod of this namespace can open a connection."""
    address, port = target
    try:
        kubectl("exec", POD, "-n", namespace, "--", "sh", "-c", f"echo | nc -w {SECONDS} {address} {port} >/dev/null")
    except StepError:
        return False
    return True


def _await_rules(kubectl: Kubectl, namespace: str) -> None:
    """Wait until the rules for a new pod hold: they come a moment after it."""
    until(lambda: not connects(kubectl, namespace, (CLUSTER.address, CLUSTER.port)), every=1, why="the rules of a pod")


def _address(kubectl: Kubectl, namespace: str, label: str) -> str:
    path = "jsonpath={.items[?(@.status.phase=='Running')].status.podIP}"
    return until(
        lambda: kubectl("get", "pods", "-n", namespace, "-l", label, "-o", path).split(),
        seconds=60, why=f"a pod of {label}",
    )[0]  # fmt: skip


def _pod(namespace: str) -> dict[str, object]:
    container = {
        "name": "shell",
        "image": "slipway.test/shell:1",
        "command": ["sleep", "3600"],
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": namespace},
        "spec": {"containers": [container], "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0},
    }
