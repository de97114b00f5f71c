"""What Tekton's events mean, whatever their order and however often they come."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.common.adapters.tekton.runs import build_ended, result_of_run
from functions.common.domain.build import BuildState
from functions.common.events.envelope import Envelope
from tests.conftest import SHARED

FIXTURES = SHARED / "fixtures" / "tekton"
CHAINS = FIXTURES / "pipelineruns" / "chains"
DIGEST = "sha256:" + "a" * 64
LABELS = {
    "app.kubernetes.io/managed-by": "slipway",
    "slipway.dev/app": "hello",
    "slipway.dev/build": "hello-1",
    "tekton.dev/pipeline": "slipway-build",
}
RESULTS = [
    {"name": "DOCKERFILE_IMAGE_URL", "value": "registry.example.org:5000/apps/hello:aaaaaaaaaaaa\n"},
    {"name": "DOCKERFILE_IMAGE_DIGEST", "value": DIGEST},
    {"name": "PROCESSES", "value": '{"web":"python app.py","release":"python migrate.py"}'},
]


def event(status: dict[str, Any], *, labels: dict[str, str] = LABELS, kind: str = "failed") -> Envelope:
    metadata = {
        "name": "hello-1",
        "labels": labels,
        "annotations": {"slipway.dev/push": "p1", "slipway.dev/environment": "production"},
    }
    data = {"pipelineRun": {"metadata": metadata, "spec": {"serviceAccountName": "slipway-build"}, "status": status}}
    source = "/apis///namespaces/slipway-builds//hello-1"  # as Tekton writes it: kind and version are missing
    return Envelope(
        id="1",
        source=source,
        type=f"dev.tekton.event.pipelinerun.{kind}.v1",
        subject="hello-1",
        time="2026-01-02T03:04:05Z",
        data=data,
    )


def ended(status: str, reason: str, message: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": message}], **more}


@pytest.mark.parametrize("name", ["pipelineResults", "results"])
@pytest.mark.parametrize("reason", ["Succeeded", "Completed"])
def test_a_success_has_the_image_under_either_name_of_the_results(name: str, reason: str) -> None:
    reported = build_ended(event({**ended("True", reason), name: RESULTS}, kind="successful"))

    assert reported
    assert (reported.app, reported.environment, reported.push, reported.build, reported.state) == (
        "hello",
        "production",
        "p1",
        "hello-1",
        "succeeded",
    )
    assert (reported.image, reported.digest) == ("registry.example.org:5000/apps/hello", DIGEST)
    assert reported.processes == {"web": "python app.py", "release": "python migrate.py"}


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "[]", '{"worker":"x"}'])
def test_an_image_has_a_web_process_whatever_the_procfile_says(text: str) -> None:
    reported = build_ended(event(ended("True", "Succeeded", results=[{"name": "PROCESSES", "value": text}])))

    assert reported
    assert reported.processes["web"] == ""


@pytest.mark.parametrize("reason", ["Cancelled", "CancelledRunningFinally", "StoppedRunningFinally"])
def test_a_cancelled_run_arrives_as_failed_and_is_told_apart(reason: str) -> None:
    reported = build_ended(event(ended("False", reason, f'PipelineRun "hello-1" was {reason}')))

    assert reported
    assert (reported.state, reported.step) == ("cancelled", "cancelled")


@pytest.mark.parametrize(
    ("reason", "children", "step"),
    [
        ("PipelineRunTimeout", ["fetch", "buildpacks"], "timeout"),
        ("Failed", ["fetch", "buildpacks"], "buildpacks"),
        ("Failed", [], "build"),
        ("CouldntGetPipeline", [], "order"),
        ("InvalidTaskResultReference", [], "order"),
    ],
)
def test_a_failure_says_where_and_why(reason: str, children: list[str], step: str) -> None:
    references = [{"kind": "TaskRun", "name": f"hello-1-{one}", "pipelineTaskName": one} for one in children]
    reported = build_ended(event(ended("False", reason, "Tasks Completed: 2 (Failed: 1)", childReferences=references)))

    assert reported
    assert (reported.state, reported.step, reported.reason) == ("failed", step, "Tasks Completed: 2 (Failed: 1)")


@pytest.mark.parametrize(
    "status", [{}, {"conditions": []}, ended("Unknown", "Running"), ended("Unknown", "ResolvingPipelineRef")]
)
def test_a_late_event_of_a_run_that_goes_on_is_no_news(status: dict[str, Any]) -> None:
    assert build_ended(event(status)) is None


@pytest.mark.parametrize("labels", [{}, {"slipway.dev/build": "x"}, {"app.kubernetes.io/managed-by": "slipway"}])
def test_other_peoples_runs_are_no_news(labels: dict[str, str]) -> None:
    assert build_ended(event(ended("True", "Succeeded"), labels=labels)) is None


@pytest.mark.parametrize("data", [None, [], "x", {}, {"pipelineRun": None}, {"taskRun": {"metadata": {}}}])
def test_what_is_no_run_is_no_news(data: object) -> None:
    envelope = Envelope(id="1", source="/", type="t", subject="", time="", data=data)
    assert build_ended(envelope) is None


RUNS = {
    "testrepo-app-enterprise-contract-4b6l6": "succeeded",
    "testrepo-d69b0-on-push-9kdpb": "succeeded",
    "testrepo-d69b0-on-pull-request-8pblb": "failed",
}


@pytest.mark.skipif(not FIXTURES.exists(), reason="the recorded runs are not here")
@pytest.mark.parametrize(("name", "state"), RUNS.items())
def test_recorded_runs_are_read(name: str, state: str) -> None:
    run = yaml.safe_load((FIXTURES / "pipelineruns" / "konflux-sample" / f"{name}.yaml").read_text())
    result = result_of_run(run)

    assert (result.name, result.state) == (name, BuildState(state))
    image = {one["name"]: one["value"] for one in run["status"].get("results", [])}
    if "IMAGE_DIGEST" in image:
        assert result.image
        assert (result.image.digest, result.image.reference) == (image["IMAGE_DIGEST"], _name(image["IMAGE_URL"]))


@pytest.mark.skipif(not FIXTURES.exists(), reason="as above")
def test_a_recorded_timeout_is_read() -> None:
    run = yaml.safe_load((FIXTURES / "pipelineruns" / "kabanero" / "status-PipelineRunTimeout.yaml").read_text())
    result = result_of_run(run)

    assert (result.state, result.step) == (BuildState.FAILED, "timeout")
    assert "failed to finish within" in result.reason


@pytest.mark.skipif(not FIXTURES.exists(), reason="as above")
@pytest.mark.parametrize(
    "file", sorted((FIXTURES / "pipelineruns" / "chains").glob("*.json")), ids=lambda file: file.stem
)
def test_the_runs_that_chains_signs_have_ended_and_are_read(file: Path) -> None:
    run = json.loads(file.read_text())
    result = result_of_run(run)

    conditions = (run.get("status") or {}).get("conditions") or []
    assert (result.state is BuildState.SUCCEEDED) == any(one["status"] == "True" for one in conditions)


def _name(reference: str) -> str:
    host, _, path = reference.strip().rpartition("/")
    return f"{host}/{path.partition(':')[0]}"
