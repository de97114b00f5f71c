"""Which builds run on a cluster, and which wait there: Tekton has no queue of its own, pods wait for room on a node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import APP, MANAGED, MANAGER
from functions.common.adapters.tekton.runs import PIPELINE, is_build, result_of_run
from functions.common.domain.build import BuildState, UnfinishedBuild

_PIPELINE, _RUN, _TASK = "tekton.dev/pipeline", "tekton.dev/pipelineRun", "tekton.dev/taskRun"
_NO_POD = "Tekton has not made its pod yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class TektonQueue:
    """BuildQueue over the PipelineRuns of one namespace and the pods of their tasks."""

    api: KubernetesApi
    namespace: str

    def unfinished(self) -> tuple[UnfinishedBuild, ...]:
        """Return the builds that run, and those whose first pod waits, the oldest first; see BuildQueue."""
        runs = self.api.items(f"/apis/tekton.dev/v1/namespaces/{self.namespace}/pipelineruns", {MANAGED: MANAGER})
        going = sorted((run for run in runs if is_build(run) and _is_going(run)), key=_age)
        if not going:
            return ()
        pods = self.api.items(f"/api/v1/namespaces/{self.namespace}/pods", {_PIPELINE: PIPELINE})
        found = [_build(run, [pod for pod in pods if _is_of(pod, run)]) for run in going]
        return tuple(sorted(found, key=lambda build: not build.is_running))


def _build(run: Object, pods: Iterable[Object]) -> UnfinishedBuild:
    metadata = run["metadata"]
    waits = [_why_it_waits(pod) for pod in pods]
    is_running = any(not why for why in waits)
    return UnfinishedBuild(
        name=str(metadata["name"]),
        app=str(metadata["labels"].get(APP, "")),
        is_running=is_running,
        reason="" if is_running else next(iter(waits), _NO_POD),
    )


def _why_it_waits(pod: Object) -> str:
    """Return why a pod has not begun, empty when it has: a pod that has ended was followed by another one's work."""
    status: Mapping[str, Any] = pod.get("status") or {}
    if status.get("phase", "Pending") != "Pending":
        return ""
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"its pod waits for room on a node: {condition.get('message') or condition.get('reason', '')}"
    return "its pod is being prepared"


def _is_going(run: Object) -> bool:
    return result_of_run(run).state is BuildState.RUNNING


def _is_of(pod: Object, run: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return labels.get(_RUN) == run["metadata"]["name"] and _TASK in labels


def _age(run: Object) -> tuple[str, str]:
    return str(run["metadata"].get("creationTimestamp", "")), str(run["metadata"]["name"])
