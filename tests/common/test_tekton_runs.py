"""What Tekton's events mean, whatever their order and however often they come."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.common.adapters.tekton.runs import TektonBuildReports, build_ended, result_of_run
from functions.common.domain.build import BuildState
from functions.common.errors import Unavailable
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import Envelope
from tests.conftest import SHARED
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, loopback_kubernetes

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


def run(status: dict[str, Any], *, labels: dict[str, str] = LABELS) -> dict[str, Any]:
    metadata = {
        "name": "hello-1",
        "uid": "uid-1",
        "labels": labels,
        "annotations": {"slipway.dev/push": "p1", "slipway.dev/environment": "production"},
    }
    return {"kind": "PipelineRun", "metadata": metadata, "spec": {}, "status": status}


def event(data: object) -> Envelope:
    source = "/apis///namespaces/slipway-builds//hello-1"  # as Tekton writes it: kind and version are missing
    kind = "dev.tekton.event.pipelinerun.successful.v1"
    return Envelope(id="1", source=source, type=kind, subject="hello-1", time="2026-01-02T03:04:05Z", data=data)


def ended(status: str, reason: str, message: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": message}], **more}


@pytest.mark.parametrize("name", ["pipelineResults", "results"])
@pytest.mark.parametrize("reason", ["Succeeded", "Completed"])
def test_a_success_has_the_image_under_either_name_of_the_results(name: str, reason: str) -> None:
    reported = build_ended(run({**ended("True", reason), name: RESULTS}))

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
    reported = build_ended(run(ended("True", "Succeeded", results=[{"name": "PROCESSES", "value": text}])))

    assert reported
    assert reported.processes["web"] == ""


@pytest.mark.parametrize("reason", ["Cancelled", "CancelledRunningFinally", "StoppedRunningFinally"])
def test_a_cancelled_run_arrives_as_failed_and_is_told_apart(reason: str) -> None:
    reported = build_ended(run(ended("False", reason, f'PipelineRun "hello-1" was {reason}')))

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
    reported = build_ended(run(ended("False", reason, "Tasks Completed: 2 (Failed: 1)", childReferences=references)))

    assert reported
    assert (reported.state, reported.step, reported.reason) == ("failed", step, "Tasks Completed: 2 (Failed: 1)")


@pytest.mark.parametrize(
    "status", [{}, {"conditions": []}, ended("Unknown", "Running"), ended("Unknown", "ResolvingPipelineRef")]
)
def test_a_late_event_of_a_run_that_goes_on_is_no_news(status: dict[str, Any]) -> None:
    assert build_ended(run(status)) is None


@pytest.mark.parametrize("labels", [{}, {"slipway.dev/build": "x"}, {"app.kubernetes.io/managed-by": "slipway"}])
def test_other_peoples_runs_are_no_news(labels: dict[str, str]) -> None:
    assert build_ended(run(ended("True", "Succeeded"), labels=labels)) is None


# What an event says is not believed: it names the run, and the API is asked.

PATH = "/apis/tekton.dev/v1/namespaces/slipway-builds/pipelineruns/hello-1"
SUCCESS = ended("True", "Succeeded", results=RESULTS)


@pytest.fixture
def server() -> Iterator[LoopbackKubernetes]:
    with loopback_kubernetes("slipway-builds") as running:
        running.objects[PATH] = run(ended("False", "Failed", "no Procfile"))
        yield running


def asked(server: LoopbackKubernetes, data: object) -> BuildEnded | None:
    return TektonBuildReports(api=server.api, namespace="slipway-builds").ended(event(data))


def test_the_run_counts_and_not_what_the_event_says_of_it(server: LoopbackKubernetes) -> None:
    reported = asked(server, {"pipelineRun": run(SUCCESS)})

    assert reported
    assert (reported.state, reported.reason, reported.digest) == ("failed", "no Procfile", "")


def test_a_run_that_goes_on_is_asked_again(server: LoopbackKubernetes) -> None:
    server.objects[PATH] = run({})
    with pytest.raises(Unavailable):
        asked(server, {"pipelineRun": run(SUCCESS)})


@pytest.mark.parametrize(
    "change", [{"name": "hello-2"}, {"name": "../../v1/pods/x"}, {"name": ""}, {"name": None}, {"uid": "uid-0"}]
)
def test_an_event_of_no_run_that_is_there_is_no_news(server: LoopbackKubernetes, change: dict[str, object]) -> None:
    given = run(SUCCESS)
    assert asked(server, {"pipelineRun": {**given, "metadata": {**given["metadata"], **change}}}) is None


@pytest.mark.parametrize("data", [None, [], "x", {}, {"pipelineRun": None}, {"taskRun": {"metadata": {}}}])
def test_what_is_no_run_is_no_news(server: LoopbackKubernetes, data: object) -> None:
    assert asked(server, data) is None
    assert server.calls == []


RUNS = {
    "testrepo-app-enterprise-contract-4b6l6": "succeeded",
    "testrepo-d69b0-on-push-9kdpb": "succeeded",
    "testrepo-d69b0-on-pull-request-8pblb": "failed",
}


@pytest.mark.skipif(not FIXTURES.exists(), reason="the recorded runs are not here")
@pytest.mark.parametrize(("name", "state"), RUNS.items())
def test_recorded_runs_are_read(name: str, state: str) -> None:
    recorded = yaml.safe_load((FIXTURES / "pipelineruns" / "konflux-sample" / f"{name}.yaml").read_text())
    result = result_of_run(recorded)

    assert (result.name, result.state) == (name, BuildState(state))
    image = {one["name"]: one["value"] for one in recorded["status"].get("results", [])}
    if "IMAGE_DIGEST" in image:
        assert result.image
        assert (result.image.digest, result.image.reference) == (image["IMAGE_DIGEST"], _name(image["IMAGE_URL"]))


@pytest.mark.skipif(not FIXTURES.exists(), reason="as above")
def test_a_recorded_timeout_is_read() -> None:
    recorded = yaml.safe_load((FIXTURES / "pipelineruns" / "kabanero" / "status-PipelineRunTimeout.yaml").read_text())
    result = result_of_run(recorded)

    assert (result.state, result.step) == (BuildState.FAILED, "timeout")
    assert "failed to finish within" in result.reason


@pytest.mark.skipif(not FIXTURES.exists(), reason="as above")
@pytest.mark.parametrize(
    "file", sorted((FIXTURES / "pipelineruns" / "chains").glob("*.json")), ids=lambda file: file.stem
)
def test_the_runs_that_chains_signs_have_ended_and_are_read(file: Path) -> None:
    recorded = json.loads(file.read_text())
    result = result_of_run(recorded)

    conditions = (recorded.get("status") or {}).get("conditions") or []
    assert (result.state is BuildState.SUCCEEDED) == any(one["status"] == "True" for one in conditions)


def _name(reference: str) -> str:
    host, _, path = reference.strip().rpartition("/")
    return f"{host}/{path.partition(':')[0]}"
