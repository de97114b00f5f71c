"""A Rollout whose traffic shifts by weights: Argo's fields are kept, and a failing version is rolled back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.kubernetes.deployer import KubernetesDeployer
from functions.common.adapters.kubernetes.names import Kind, Traffic
from tests.contract.kubernetes_deployer_world import NAMESPACE, KubernetesDeployerWorld, a_workload
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, loopback_kubernetes

SERVICE = f"/api/v1/namespaces/{NAMESPACE}/services/web"


@pytest.fixture
def server() -> Iterator[LoopbackKubernetes]:
    with loopback_kubernetes("projects") as running:
        yield running


@pytest.fixture
def deployer(server: LoopbackKubernetes) -> KubernetesDeployer:
    plain = KubernetesDeployerWorld(server.api, Kind.ROLLOUT).deployer
    return replace(plain, runtime=replace(plain.runtime, traffic=Traffic.GATEWAY))


def test_a_release_during_a_canary_keeps_the_services_selectors(
    server: LoopbackKubernetes, deployer: KubernetesDeployer
) -> None:
    deployer.apply(a_workload(1))
    server.objects[SERVICE]["spec"]["selector"]["rollouts-pod-template-hash"] = "abc"

    deployer.apply(a_workload(2))

    assert server.objects[SERVICE]["spec"]["selector"]["rollouts-pod-template-hash"] == "abc"


def test_a_version_that_has_traffic_is_checked_through_its_own_service(
    server: LoopbackKubernetes, deployer: KubernetesDeployer
) -> None:
    deployer.apply(a_workload(1, health_path="/up"))

    (template,), (rollout,) = server.of_kind("AnalysisTemplate"), server.of_kind("Rollout")
    (metric,) = template["spec"]["metrics"]
    assert metric["provider"]["web"]["url"] == f"http://web-canary.{NAMESPACE}.svc/up"
    canary = rollout["spec"]["strategy"]["canary"]
    assert canary["analysis"]["templates"] == [{"templateName": template["metadata"]["name"]}]
    assert canary["steps"][canary["analysis"]["startingStep"] - 1] == {"setWeight": 10}


def test_pods_of_one_service_have_no_such_check(server: LoopbackKubernetes) -> None:
    KubernetesDeployerWorld(server.api, Kind.ROLLOUT).deployer.apply(a_workload(1))

    (rollout,) = server.of_kind("Rollout")
    assert (server.of_kind("AnalysisTemplate"), "analysis" in rollout["spec"]["strategy"]["canary"]) == ([], False)
