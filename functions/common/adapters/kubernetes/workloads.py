"""Workload objects: Deployment, Argo Rollout, Knative Service and Job; and the steps of a canary."""

from typing import Any

from functions.common.adapters.kubernetes.names import (
    PUSH,
    RELEASE,
    Kind,
    Place,
    Runtime,
    Traffic,
    labels_of,
    selected_by,
)
from functions.common.adapters.kubernetes.pods import RELEASE_PROCESS, WEB, pod_spec, pod_template, process_name
from functions.common.domain.release import Workload, wanted_processes

Object = dict[str, Any]
STABLE, CANARY = "web", "web-canary"
WHOLE = 100
CHECK_SECONDS = 2
ERRORS_IN_A_ROW = 2  # the third error in a row fails the version


def canary_strategy(workload: Workload, place: Place, runtime: Runtime) -> Object:
    """Return the canary strategy: by weights of the route where a Gateway has them, else by pod counts."""
    strategy: Object = {"steps": _steps(workload, runtime), "maxSurge": "25%", "maxUnavailable": 0}
    if runtime.traffic is not Traffic.GATEWAY:
        return strategy
    plugin = {"httpRoute": place.name(WEB), "namespace": place.namespace}
    return {
        **strategy,
        "stableService": place.name(STABLE),
        "canaryService": place.name(CANARY),
        "trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": plugin}},
        # From the first traffic share on: readiness alone would remove the pods and leave their share unserved.
        "analysis": {"templates": [{"templateName": place.name(CANARY)}], "startingStep": 1},
    }


def canary_check(workload: Workload, place: Place) -> tuple[str, Object]:
    """Return path and body of the check that a new version must pass while traffic shifts."""
    url = f"http://{place.name(CANARY)}.{place.namespace}.svc{workload.health_path}"
    metric = {
        "name": "health",
        "interval": f"{CHECK_SECONDS}s",
        "consecutiveErrorLimit": ERRORS_IN_A_ROW,
        "provider": {"web": {"url": url, "timeoutSeconds": CHECK_SECONDS}},
    }
    body: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {
            "name": place.name(CANARY),
            "namespace": place.namespace,
            "labels": labels_of(workload.app, workload.environment),
        },
        "spec": {"metrics": [metric]},
    }
    return place.path("AnalysisTemplate", CANARY), body


def _steps(workload: Workload, runtime: Runtime) -> list[Object]:
    steps: list[Object] = []
    for percent in workload.steps:
        steps.append({"setWeight": percent})
        if percent < WHOLE:
            steps.append({"pause": {"duration": f"{runtime.pause}s"}})
    return steps


_WEB = {Kind.DEPLOYMENT: "Deployment", Kind.ROLLOUT: "Rollout", Kind.KNATIVE: "KnativeService"}


def web_path(kind: Kind, place: Place) -> str:
    """Return the path of the web process's workload."""
    return place.path(_WEB[kind], WEB)


def web_workload(workload: Workload, kind: Kind, place: Place, runtime: Runtime, *, config: str) -> tuple[str, Object]:
    """Return path and body of the web process's workload."""
    makers = {Kind.DEPLOYMENT: _web_deployment, Kind.ROLLOUT: _rollout, Kind.KNATIVE: _knative_service}
    return makers[kind](workload, place, runtime, config)


def other_processes(workload: Workload, place: Place, runtime: Runtime, *, config: str) -> list[tuple[str, Object]]:
    """Return path and body of the Deployment of each other process type."""
    names = sorted(set(workload.processes) - {WEB, RELEASE_PROCESS})
    return [_deployment(workload, name, place, runtime, config) for name in names]


def scaling(workload: Workload, kind: Kind, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and patch of each workload that has its number of pods; none for web where Knative chooses it."""
    patches = list[tuple[str, Object]]()
    for process in sorted(set(workload.processes) - {RELEASE_PROCESS}):
        if process != WEB or kind is not Kind.KNATIVE:
            path = web_path(kind, place) if process == WEB else place.path("Deployment", process_name(process))
            patches.append((path, {"spec": {"replicas": _replicas(workload, process, runtime)}}))
        elif bounds := _bounds(workload):
            patches.append((web_path(kind, place), {"spec": {"template": {"metadata": {"annotations": bounds}}}}))
    return patches


def _replicas(workload: Workload, process: str, runtime: Runtime) -> int:
    return wanted_processes(process, workload.replicas, web=runtime.replicas)


def _bounds(workload: Workload) -> dict[str, str]:
    """Return the annotations that keep a Knative revision at the wanted number; none where requests decide it."""
    if WEB not in workload.replicas:
        return {}
    wanted = str(workload.replicas[WEB])
    return {"autoscaling.knative.dev/min-scale": wanted, "autoscaling.knative.dev/max-scale": wanted}


def release_job(workload: Workload, place: Place, runtime: Runtime, *, config: str) -> tuple[str, Object]:
    """Return path and body of the release command's Job; it runs once."""
    name = f"release-{workload.release}"
    spec = pod_spec(workload, RELEASE_PROCESS, place, runtime, config=config)
    template = pod_template(workload, RELEASE_PROCESS, place, runtime, config=config)
    body = _body("batch/v1", "Job", workload, RELEASE_PROCESS, place)
    body["spec"] = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": runtime.release_limit,
        "ttlSecondsAfterFinished": 86400,
        "template": {**template, "spec": {**spec, "restartPolicy": "Never"}},
    }
    return place.path("Job", name), body


def _deployment(workload: Workload, process: str, place: Place, runtime: Runtime, config: str) -> tuple[str, Object]:
    name = process_name(process)
    body = _body("apps/v1", "Deployment", workload, process, place)
    body["spec"] = _replicated(workload, process, place, runtime, config)
    # Old pods serve until as many new ones are ready: a version that never becomes ready changes nothing for users.
    body["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    return place.path("Deployment", name), body


def _web_deployment(workload: Workload, place: Place, runtime: Runtime, config: str) -> tuple[str, Object]:
    return _deployment(workload, WEB, place, runtime, config)


def _rollout(workload: Workload, place: Place, runtime: Runtime, config: str) -> tuple[str, Object]:
    body = _body("argoproj.io/v1alpha1", "Rollout", workload, WEB, place)
    body["spec"] = {
        **_replicated(workload, WEB, place, runtime, config),
        "progressDeadlineAbort": True,  # a version that does not become ready is rolled back
        "rollbackWindow": {"revisions": 3},  # back to one of the last three versions: at once, without steps
        "strategy": {"canary": canary_strategy(workload, place, runtime)},
    }
    return web_path(Kind.ROLLOUT, place), body


def _knative_service(workload: Workload, place: Place, runtime: Runtime, config: str) -> tuple[str, Object]:
    body = _body("serving.knative.dev/v1", "Service", workload, WEB, place)
    template = pod_template(workload, WEB, place, runtime, config=config)
    spec = template["spec"]
    del spec["securityContext"]  # Knative accepts none for the pod; its default is the same
    container = {name: value for name, value in spec["containers"][0].items() if name != "lifecycle"}
    container["env"] = [
        one for one in container["env"] if one["name"] != "PORT"
    ]  # Knative sets it and accepts no other
    template["metadata"]["annotations"]["serving.knative.dev/progress-deadline"] = f"{runtime.health_limit}s"
    template["metadata"]["annotations"] |= _bounds(workload)
    shifting = max(0, len(workload.steps) - 1) * runtime.pause
    if shifting:  # Knative shifts the traffic evenly once the new revision is ready
        body["metadata"]["annotations"]["serving.knative.dev/rollout-duration"] = f"{shifting}s"
    body["spec"] = {
        "template": {**template, "spec": {**spec, "containers": [container]}},
        "traffic": [{"latestRevision": True, "percent": WHOLE}],
    }
    return web_path(Kind.KNATIVE, place), body


def _replicated(workload: Workload, process: str, place: Place, runtime: Runtime, config: str) -> Object:
    name = process_name(process)
    return {
        "replicas": _replicas(workload, process, runtime),
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": runtime.health_limit,
        "selector": {"matchLabels": selected_by(workload.app, workload.environment, name)},
        "template": pod_template(workload, process, place, runtime, config=config),
    }


def _body(version: str, kind: str, workload: Workload, process: str, place: Place) -> Object:
    """Return the body of an object that has the name of its process; a Job's has the release too."""
    name = process_name(process) if kind != "Job" else f"{process}-{workload.release}"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": place.name(name),
            "namespace": place.namespace,
            "labels": labels_of(workload.app, workload.environment, process_name(process)),
            "annotations": {RELEASE: str(workload.release), PUSH: workload.push, "slipway.dev/sha": workload.sha},
        },
    }
