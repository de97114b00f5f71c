"""SLIPWAY_TRAFFIC=gateway: Argo Rollouts moves the HTTPRoute's weights, and Traefik the traffic."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.deployer import KubernetesDeployer
from functions.common.adapters.kubernetes.names import Kind, Runtime, Traffic, place_of
from functions.common.domain.release import Workload
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.images import reference
from tests.cluster.kit.node import ctr
from tests.fakes.removals import FakeRemovals
from tests.local.waiting import until
from tests.patience import patient
from tests.real_kubernetes import drop_namespace, real_api

pytestmark = pytest.mark.cluster
APP, HOST, PAUSE = "weights", "weights.apps.slipway.test", 8
PLACE = place_of(APP, "production")
REQUESTS = 200
LAG = 3  # seconds: Traefik takes up changes every two


@pytest.fixture(scope="module")
def api() -> Iterator[KubernetesApi]:
    """Return the API of a cluster whose Argo Rollouts has a plugin for Gateway API."""
    found = real_api()
    config = found.read("/api/v1/namespaces/argo-rollouts/configmaps/argo-rollouts-config")
    if "gatewayAPI" not in str(config):
        pytest.skip("Argo Rollouts has no plugin here: task cluster:up installs one")
    yield found
    drop_namespace(found, PLACE.namespace)


def workload(release: int, text: str) -> Workload:
    """Return a release that answers with the text, of the image that lies on the node."""
    listed = subprocess.run([*ctr(), "images", "list"], capture_output=True, text=True, check=True).stdout
    (digest,) = {line.split()[2] for line in listed.splitlines() if line.startswith(reference("hello"))}
    name = reference("hello").rpartition(":")[0]
    tag = [*ctr(), "images", "tag", "--force", reference("hello"), f"{name}@{digest}"]
    subprocess.run(tag, check=True, capture_output=True)
    return Workload(
        app=APP,
        environment="production",
        label=APP,
        hosts=(HOST,),
        release=release,
        push=f"push-{release}",
        sha="a" * 40,
        digest=digest,
        image=name,
        processes={"web": ""},
        config={"TEXT": text},
    )


def test_a_canary_gets_exactly_its_share(api: KubernetesApi) -> None:
    runtime = Runtime(
        kind=Kind.ROLLOUT,
        traffic=Traffic.GATEWAY,
        gateway="ingress/apps",
        default_domain="apps.slipway.test",
        pause=PAUSE,
        cpu="5m",
        memory="16Mi",
    )
    deployer = KubernetesDeployer(api=api, runtime=runtime, removals=FakeRemovals(), cipher=FernetCipher())
    deployer.apply(workload(1, "one"))
    until(lambda: _phase(api) == "Healthy", seconds=120, why="the first release")
    until(lambda: _answers(1) == ["one"], seconds=30, why=f"the first answer at {HOST}")

    deployer.apply(workload(2, "two"))

    shares = dict(_shares(api))
    print(f"weight: answers of {REQUESTS} by the canary: {shares}")
    assert list(shares) == [10, 25, 50], "weights of the canary in this order, before it had all"
    for weight, count in shares.items():
        assert abs(count - REQUESTS * weight / 100) <= REQUESTS * 0.02
    until(lambda: _phase(api) == "Healthy", seconds=60, why="the end of the canary")
    until(lambda: set(_answers(50)) == {"two"}, seconds=LAG * 2, why="Traefik to forget the old version")
    whole = {PLACE.name("web"): 100, PLACE.name("web-canary"): 0}
    until(lambda: _weights(api) == whole, seconds=LAG, why="the weights of an ended canary")


def _shares(api: KubernetesApi) -> Iterator[tuple[int, int]]:
    """Yield each weight that the canary had on its way, and how many of REQUESTS it answered then."""
    seen, deadline = {0}, time.monotonic() + patient(10 * PAUSE)
    while 100 not in seen and time.monotonic() < deadline:
        weight = _weights(api).get(PLACE.name("web-canary")) or 0
        if weight not in seen:
            seen.add(weight)
            if weight < 100:
                time.sleep(LAG)
                yield weight, _answers(REQUESTS).count("two")
        time.sleep(0.1)


def _weights(api: KubernetesApi) -> dict[str, int | None]:
    route = api.read(PLACE.path("HTTPRoute", "web")) or {}
    return {one["name"]: one.get("weight") for one in route["spec"]["rules"][0]["backendRefs"]}


def _phase(api: KubernetesApi) -> str:
    found = api.read(PLACE.path("Rollout", "web")) or {}
    status = found.get("status") or {}
    is_current = status.get("observedGeneration") == str(found.get("metadata", {}).get("generation"))
    return str(status.get("phase", "")) if is_current else ""


def _answers(count: int) -> list[str]:
    request = urllib.request.Request(f"http://{CLUSTER.address}/", headers={"Host": HOST})
    texts = []
    for _ in range(count):
        try:
            with urllib.request.urlopen(request, timeout=patient(5)) as answer:  # noqa: S310 - this node's address
                texts.append(answer.read().decode().strip())
        except OSError as error:
            texts.append(str(error))
    return texts
