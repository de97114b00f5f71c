"""Events of an API server name objects: what counts is what the server says when it is asked."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.common.adapters.certificates.cert_manager import CertManagerReports
from functions.common.adapters.kubernetes.reports import KubernetesWorkloadReports
from functions.common.events.envelope import Envelope
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, loopback_kubernetes
from tests.foreign_events import CERTIFICATE, JOB, ROLLOUT

CERTIFICATES = "/apis/cert-manager.io/v1/namespaces/slipway-edge/certificates"
ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts"
JOBS = "/apis/batch/v1/namespaces/app-hello/jobs"


def event(data: object) -> Envelope:
    return Envelope(id="1", source="/", type="dev.knative.apiserver.resource.update", subject="/x", time="", data=data)


def changed(found: dict[str, Any], metadata: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {**found, "metadata": {**found["metadata"], **metadata}, **more}


ROLLING = changed(ROLLOUT, {}, status={"observedGeneration": "2", "phase": "Degraded", "message": "it crashed"})


@pytest.fixture
def server() -> Iterator[LoopbackKubernetes]:
    """A cluster whose rollout has failed, whose release command runs and whose certificate is refused."""
    with loopback_kubernetes("app-hello", "stranger", "slipway-edge") as running:
        failed = {"conditions": [{"type": "Issuing", "status": "False", "message": "no such name"}]}
        running.objects |= {
            f"{ROLLOUTS.format('app-hello')}/web": ROLLING,
            f"{ROLLOUTS.format('stranger')}/web": changed(ROLLOUT, {"namespace": "stranger"}),
            f"{JOBS}/release-1": {**JOB, "status": {}},
            f"{CERTIFICATES}/tls-hello.apps.example.org": {**CERTIFICATE, "status": failed},
        }
        yield running


@pytest.fixture
def workloads(server: LoopbackKubernetes) -> KubernetesWorkloadReports:
    return KubernetesWorkloadReports(api=server.api)


def test_a_workload_is_reported_as_it_is_and_not_as_the_event_says(workloads: KubernetesWorkloadReports) -> None:
    report = workloads.changed(event(ROLLOUT))

    assert report
    assert (report.phase, report.reason) == ("failed", "it crashed")


def test_a_release_command_that_runs_is_not_prepared(
    workloads: KubernetesWorkloadReports, server: LoopbackKubernetes
) -> None:
    assert workloads.prepared(event(JOB)) is None
    server.objects[f"{JOBS}/release-1"] = JOB
    assert workloads.prepared(event({**JOB, "status": {}})) == ("hello", "production", 1)


def test_a_certificate_is_reported_as_it_is(server: LoopbackKubernetes) -> None:
    reports = CertManagerReports(api=server.api, namespace="slipway-edge")

    report = reports.changed(event(CERTIFICATE))

    assert report
    assert (report.host, report.ready, report.reason) == ("hello.apps.example.org", False, "no such name")
    assert CertManagerReports(api=server.api, namespace="elsewhere").changed(event(CERTIFICATE)) is None


@pytest.mark.parametrize(
    "data",
    [
        changed(ROLLOUT, {"name": "another"}),
        changed(ROLLOUT, {"uid": "of an older one"}),
        changed(ROLLOUT, {"namespace": "stranger"}),
        {**ROLLOUT, "kind": "Secret"},
        {**ROLLOUT, "apiVersion": "v1"},
    ],
    ids=["gone", "older", "elsewhere", "another kind", "another group"],
)
def test_what_is_not_there_as_named_is_no_report(workloads: KubernetesWorkloadReports, data: dict[str, Any]) -> None:
    assert workloads.changed(event(data)) is None


@pytest.mark.parametrize(
    "data",
    [
        changed(ROLLOUT, {"name": "../../../../api/v1/secrets"}),
        changed(ROLLOUT, {"namespace": "app-hello/rollouts/web?x="}),
        changed(ROLLOUT, {"name": 7}),
        {**ROLLOUT, "apiVersion": ["argoproj.io/v1alpha1"]},
        None,
        "x",
        [],
    ],
)
def test_a_name_is_never_a_path(workloads: KubernetesWorkloadReports, server: LoopbackKubernetes, data: object) -> None:
    assert workloads.changed(event(data)) is None
    assert server.calls == []
