"""Ready pods are counted as the API server reports them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.counts import KubernetesProcessCounts
from functions.common.adapters.kubernetes.names import Kind, Runtime, labels_of
from tests.fakes.loopback_kubernetes import loopback_kubernetes
from tests.real_kubernetes import real_api, real_namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server, and the namespace of all apps there."""

    api: KubernetesApi
    namespace: str

    def pod(self, name: str, process: str, ready: str, *, app: str = "hello") -> None:
        """Create a pod whose condition Ready has a status."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        container = {"name": "c", "image": "registry.example.org/none"}
        labels = labels_of(app, "production", process)
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
        assert self.api.create(path, body)
        conditions = [{"type": "Ready", "status": ready}]
        assert self.api.merge(f"{path}/{name}/status", {"status": {"conditions": conditions}})


@pytest.fixture(params=["loopback", pytest.param("real", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if request.param == "loopback":
        with loopback_kubernetes("projects") as server:
            yield Cluster(api=server.api, namespace="projects")
        return
    api = real_api()
    with real_namespace(api, "counts") as namespace:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", account)  # no controller makes it here
        yield Cluster(api=api, namespace=namespace)


def test_only_ready_pods_of_the_environment_count(cluster: Cluster) -> None:
    for name, process, ready in (
        ("a", "web", "True"),
        ("b", "web", "True"),
        ("c", "web", "False"),
        ("d", "worker", "False"),
    ):
        cluster.pod(name, process, ready)
    cluster.pod("e", "web", "True", app="other")
    counts = KubernetesProcessCounts(api=cluster.api, runtime=Runtime(shared_namespace=cluster.namespace))

    assert counts.ready("hello", "production") == {"web": 2, "worker": 0}
    assert counts.ready("none", "production") == {}


def test_a_knative_service_is_elastic() -> None:
    runtime = Runtime(kind=Kind.ROLLOUT, kinds={"shop": Kind.KNATIVE}, replicas=2)
    with loopback_kubernetes("projects") as server:
        counts = KubernetesProcessCounts(api=server.api, runtime=runtime)

    assert [counts.capacity(app).is_elastic for app in ("shop", "hello")] == [True, False]
    assert counts.capacity("hello").replicas == 2
