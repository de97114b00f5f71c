"""Reads the state of a build from a Tekton PipelineRun.

Tekton's CloudEvents contain the run converted to v1beta1, the API answers v1: results have two names. An event only
names the run; what counts is what the API answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import (
    APP,
    ENVIRONMENT,
    MANAGED,
    MANAGER,
    PUSH,
    annotation,
    has_uid_of,
    is_name,
)
from functions.common.domain.build import BuildResult, BuildState, Image
from functions.common.errors import Unavailable
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import Envelope

BUILD = "slipway.dev/build"
PIPELINE = "slipway-build"
_CANCELLED = frozenset(
    {"Cancelled", "CancelledRunningFinally", "StoppedRunningFinally", "PipelineRunCancelled", "TaskRunCancelled"}
)
_STOPPED = ("Cancelled", "Stopped")
_TIMED_OUT = frozenset({"PipelineRunTimeout", "TaskRunTimeout"})
_ORDER = frozenset({"CouldntGetPipeline", "CouldntGetTask", "ParameterMissing", "PipelineValidationFailed"})
_DIGEST, _URL, _PROCESSES = "IMAGE_DIGEST", "IMAGE_URL", "PROCESSES"


@dataclass(frozen=True, slots=True, kw_only=True)
class TektonBuildReports:
    """BuildReports over the PipelineRuns of one namespace."""

    api: KubernetesApi
    namespace: str

    def ended(self, envelope: Envelope) -> BuildEnded | None:
        """Return how the run that a Tekton event names has ended; see BuildReports.

        Tekton may send the event before it stores the run's end.
        """
        metadata = _part(_part(envelope.data, "pipelineRun"), "metadata")
        name = metadata.get("name")
        if not is_name(name):
            return None
        run = self.api.read(f"/apis/tekton.dev/v1/namespaces/{self.namespace}/pipelineruns/{name}")
        if run is None or not is_build(run) or not has_uid_of(metadata, run):
            return None
        ended = build_ended(run)
        if ended is None:
            msg = f"the run {name} has not ended"
            raise Unavailable(msg)
        return ended


def is_build(run: Mapping[str, Any]) -> bool:
    """Return whether this is a run of Slipway."""
    labels = _part(_part(run, "metadata"), "labels")
    return labels.get(MANAGED) == MANAGER and BUILD in labels


def build_ended(run: Mapping[str, Any]) -> BuildEnded | None:
    """Return the end of a run; None for foreign runs, and for those that have not ended.

    Cancelled and timed-out runs have the event type of failed ones: the run's condition distinguishes them.
    """
    if not is_build(run):
        return None
    metadata = _part(run, "metadata")
    labels, result = _part(metadata, "labels"), result_of_run(run)
    if result.state is BuildState.RUNNING:
        return None
    image = result.image or Image(digest="", reference="")
    return BuildEnded.model_validate(
        {
            "app": str(labels.get(APP, "")),
            "environment": annotation({"metadata": metadata}, ENVIRONMENT),
            "push": annotation({"metadata": metadata}, PUSH),
            "build": result.name,
            "state": result.state.value,
            "digest": image.digest,
            "image": image.reference,
            "processes": image.processes,
            "step": result.step,
            "reason": result.reason,
        }
    )


def result_of_run(run: Mapping[str, Any]) -> BuildResult:
    """Return the state of a run; one without a condition is running."""
    name, status = str(_part(run, "metadata").get("name", "")), _part(run, "status")
    conditions = [one for one in status.get("conditions") or [] if one.get("type") == "Succeeded"]
    condition = conditions[0] if conditions else {}
    if condition.get("status") not in {"True", "False"}:
        return BuildResult(name=name, state=BuildState.RUNNING)
    reason, message = str(condition.get("reason", "")), str(condition.get("message", ""))
    if condition["status"] == "True":
        return BuildResult(name=name, state=BuildState.SUCCEEDED, image=_image(status))
    if reason in _CANCELLED:
        return BuildResult(name=name, state=BuildState.CANCELLED, step="cancelled", reason="the build was cancelled")
    return BuildResult(
        name=name, state=BuildState.FAILED, step=_step(reason, status), reason=message or f"the build failed: {reason}"
    )


def is_build_of(run: Mapping[str, Any], push: str) -> bool:
    """Return whether a run builds for a push: its own run, or one of its commit that runs for another push."""
    if is_deleting(run):
        return False
    is_wanted = not str(_part(run, "spec").get("status", "")).startswith(_STOPPED)
    return annotation(run, PUSH) == push or (is_wanted and result_of_run(run).state is BuildState.RUNNING)


def is_deleting(run: Mapping[str, Any]) -> bool:
    """Return whether a run is being deleted."""
    return "deletionTimestamp" in _part(run, "metadata")


def _image(status: Mapping[str, Any]) -> Image:
    """Return the image in the results, whose names end as Tekton Chains requires."""
    results = {one.get("name", ""): one.get("value", "") for one in _results(status)}
    found = {end: str(value) for end in (_DIGEST, _URL) for name, value in results.items() if name.endswith(end)}
    reference = found.get(_URL, "").strip().partition("@")[0]
    host, slash, path = reference.rpartition("/")
    return Image(
        digest=found.get(_DIGEST, "").strip(),
        reference=f"{host}{slash}{path.partition(':')[0]}",
        processes=_processes(str(results.get(_PROCESSES, ""))),
    )


def _results(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(status.get("pipelineResults") or status.get("results") or [])


def _processes(text: str) -> dict[str, str]:
    """Return the process types; without a Procfile there is a web process with the image's own command."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = {}
    commands = {str(name): str(command) for name, command in found.items()} if isinstance(found, dict) else {}
    return commands if "web" in commands else {"web": "", **commands}


def _step(reason: str, status: Mapping[str, Any]) -> str:
    if reason in _TIMED_OUT:
        return "timeout"
    if reason in _ORDER or reason.startswith(("Invalid", "Couldnt", "Parameter")):
        return "order"
    children = [str(one.get("pipelineTaskName", "")) for one in status.get("childReferences") or []]
    return next((name for name in reversed(children) if name), "build")


def _part(found: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
    part = found.get(name) if isinstance(found, dict) else None
    return part if isinstance(part, dict) else {}
