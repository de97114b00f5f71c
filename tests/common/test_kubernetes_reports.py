"""Reports of releases and certificates from objects of a cluster, compared with Argo CD's health of recorded ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.common.adapters.certificates.cert_manager import certificate_changed, status_of
from functions.common.adapters.kubernetes.status import (
    deployment_health,
    knative_health,
    report_of,
    rollout_health,
)
from functions.common.domain.release import WorkloadPhase
from tests.conftest import SHARED

ROLLOUTS = SHARED / "fixtures" / "argo-rollouts" / "argo-cd-health" / "Rollout"
CERTIFICATES = SHARED / "fixtures" / "cert-manager" / "argo-cd-health" / "Certificate"
LABELS = {
    "app.kubernetes.io/managed-by": "slipway",
    "slipway.dev/app": "hello",
    "slipway.dev/environment": "production",
    "slipway.dev/process": "web",
}
STEPS = [{"setWeight": 10}, {"pause": {"duration": "30s"}}, {"setWeight": 25}, {"pause": {}}, {"setWeight": 100}]


def rollout(status: dict[str, Any], *, labels: dict[str, str] = LABELS, generation: int = 7) -> dict[str, Any]:
    marks = {"annotations": {"slipway.dev/release": "3", "slipway.dev/push": "p3"}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "labels": labels, "generation": generation},
        "spec": {"replicas": 2, "template": {"metadata": marks}, "strategy": {"canary": {"steps": STEPS}}},
        "status": status,
    }


@pytest.mark.parametrize(
    ("status", "phase", "weight"),
    [
        ({"phase": "Healthy", "stableRS": "b", "currentPodHash": "b"}, "live", 100),
        ({"phase": "Paused", "currentStepIndex": 1, "updatedReplicas": 1}, "shifting", 10),
        ({"phase": "Progressing", "currentStepIndex": 3, "updatedReplicas": 1}, "shifting", 25),
        ({"phase": "Progressing", "canary": {"weights": {"canary": {"weight": 33}}}}, "shifting", 33),
        ({"phase": "Progressing", "currentStepIndex": 0}, "starting", 0),
        ({"phase": "Degraded", "message": "RolloutAborted: aborted"}, "failed", 0),
    ],
)
def test_a_rollout_reports_the_progress_of_its_release(status: dict[str, Any], phase: str, weight: int) -> None:
    report = report_of(rollout({"observedGeneration": "7", **status}))

    assert report
    assert (report.app, report.environment, report.push, report.release) == ("hello", "production", "p3", 3)
    assert (report.phase, report.weight) == (phase, weight)
    assert (phase == "failed") == bool(report.reason)


@pytest.mark.parametrize("found", [
    rollout({}), rollout({"observedGeneration": "6", "phase": "Healthy"}),
    rollout({"observedGeneration": "7", "phase": "Healthy"}, labels={}),
    rollout({"observedGeneration": "7", "phase": "Healthy"}, labels={**LABELS, "slipway.dev/process": "worker"}),
    {**rollout({"observedGeneration": "7", "phase": "Healthy"}), "kind": "DaemonSet"}, {},
])  # fmt: skip
def test_statuses_of_older_specs_and_of_foreign_objects_are_no_reports(found: dict[str, Any]) -> None:
    assert report_of(found) is None


def deployment(status: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 2, **status}}


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}, WorkloadPhase.LIVE),
        ({"replicas": 3, "updatedReplicas": 2, "readyReplicas": 3, "availableReplicas": 3}, WorkloadPhase.SHIFTING),
        ({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2}, WorkloadPhase.STARTING),
        (
            {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
            WorkloadPhase.FAILED,
        ),
    ],
)
def test_a_deployment_is_live_when_no_old_pod_is_left(status: dict[str, Any], phase: WorkloadPhase) -> None:
    assert deployment_health(deployment(status)).phase is phase
    assert not deployment_health(deployment({**status, "observedGeneration": 1})).observed


@pytest.mark.parametrize(
    ("ready", "made", "newest", "phase"),
    [
        ("True", "True", "web-00002", WorkloadPhase.LIVE),
        ("True", "True", "web-00001", WorkloadPhase.STARTING),
        ("Unknown", "Unknown", "web-00002", WorkloadPhase.STARTING),
        ("False", "False", "web-00002", WorkloadPhase.FAILED),
    ],
)
def test_a_knative_service_is_live_with_its_newest_revision(
    ready: str, made: str, newest: str, phase: WorkloadPhase
) -> None:
    conditions = [{"type": "Ready", "status": ready}, {"type": "ConfigurationsReady", "status": made, "message": "no"}]
    names = {"latestCreatedRevisionName": "web-00002", "latestReadyRevisionName": newest}
    found = {"metadata": {"generation": 4}, "status": {"observedGeneration": 4, "conditions": conditions, **names}}

    assert knative_health(found).phase is phase


def verdicts(folder: Path) -> list[tuple[str, str]]:
    """Return file -> health by Argo CD's own tests; its folders are the prefixes of the names."""
    if not folder.exists():
        return []
    tests = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
    names = [one["inputPath"].removeprefix("testdata/").replace("/", "-") for one in tests]
    return list(zip(names, (one["healthStatus"]["status"] for one in tests), strict=True))


@pytest.mark.parametrize(("file", "verdict"), verdicts(ROLLOUTS))
def test_the_health_of_rollouts_is_that_of_argo_cd(file: str, verdict: str) -> None:
    health = rollout_health(yaml.safe_load((ROLLOUTS / file).read_text()))

    assert (health.observed and health.phase is WorkloadPhase.LIVE) == (verdict == "Healthy"), health
    assert (health.observed and health.phase is WorkloadPhase.FAILED) == (verdict == "Degraded"), health


@pytest.mark.parametrize(
    ("message", "phase"),
    [
        ("Invalid value: \"web-canary\": AnalysisTemplate 'web-canary' not found", WorkloadPhase.STARTING),
        ('Invalid value: "web": service "web" not found', WorkloadPhase.STARTING),
        ("spec.replicas: Invalid value: -1: must be 0 or more", WorkloadPhase.FAILED),
    ],
)
def test_a_rollout_whose_neighbours_argo_has_not_seen_yet_goes_on(message: str, phase: WorkloadPhase) -> None:
    invalid = {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": message}
    status = {"observedGeneration": "1", "phase": "Degraded", "message": message, "conditions": [invalid]}

    assert rollout_health({"metadata": {"generation": 1}, "spec": {}, "status": status}).phase is phase


@pytest.mark.parametrize(("file", "verdict"), verdicts(CERTIFICATES))
def test_the_health_of_certificates_is_that_of_argo_cd(file: str, verdict: str) -> None:
    status = status_of(yaml.safe_load((CERTIFICATES / file).read_text()), "cd.example.org")

    assert status.ready == (verdict == "Healthy")
    assert bool(status.reason) == (verdict == "Degraded")


def certificate(*conditions: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    marks = {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/app": "hello"} if labels is None else labels
    return {
        "kind": "Certificate",
        "metadata": {"generation": 2, "labels": marks, "annotations": {"slipway.dev/host": "shop.example.org"}},
        "status": {"conditions": list(conditions), "notAfter": "2026-04-02T03:04:05Z"},
    }


READY = {"type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 2}
MISSING = {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "Secret does not exist"}
FAILED = {"type": "Issuing", "status": "False", "reason": "Failed", "message": "The order failed: no such name"}


def test_the_report_of_a_certificate_has_its_host() -> None:
    reported = certificate_changed(certificate(READY))

    assert reported
    assert (reported.app, reported.host, reported.ready, reported.not_after) == (
        "hello",
        "shop.example.org",
        True,
        "2026-04-02T03:04:05Z",
    )


def test_a_failed_attempt_has_a_reason() -> None:
    reported = certificate_changed(certificate(MISSING, FAILED))

    assert reported
    assert (reported.ready, reported.reason) == (False, "The order failed: no such name")


@pytest.mark.parametrize("found", [
    certificate(MISSING, {"type": "Issuing", "status": "True", "reason": "DoesNotExist"}), certificate(MISSING),
    certificate(), certificate({**READY, "observedGeneration": 1}), certificate(READY, labels={}), {},
])  # fmt: skip
def test_certificates_being_issued_and_foreign_ones_are_no_reports(found: dict[str, Any]) -> None:
    assert certificate_changed(found) is None
