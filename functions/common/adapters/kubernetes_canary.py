"""How an Argo Rollout moves traffic to a new version, and what makes it go back."""

from typing import Any

from functions.common.adapters.kubernetes_labels import labels_of
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_pods import WEB
from functions.common.adapters.kubernetes_runtime import Runtime, Traffic
from functions.common.domain.release import Workload

Object = dict[str, Any]
STABLE, CANARY = "web", "web-canary"
WHOLE = 100
CHECK_SECONDS = 2
ERRORS_IN_A_ROW = 2  # one more, and the version has failed


def canary_strategy(workload: Workload, place: Place, runtime: Runtime) -> Object:
    """Return the strategy: by the route's weights where a Gateway has them, else by numbers of pods."""
    strategy: Object = {"steps": _steps(workload, runtime), "maxSurge": "25%", "maxUnavailable": 0}
    if runtime.traffic is not Traffic.GATEWAY:
        return strategy
    plugin = {"httpRoute": place.name(WEB), "namespace": place.namespace}
    return {
        **strategy,
        "stableService": place.name(STABLE),
        "canaryService": place.name(CANARY),
        "trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": plugin}},
        # From the first share of the traffic on: readiness alone takes a version out, and leaves its share to nobody.
        "analysis": {"templates": [{"templateName": place.name(CANARY)}], "startingStep": 1},
    }


def canary_check(workload: Workload, place: Place) -> tuple[str, Object]:
    """Return path and body of the check that a new version must pass as long as it shares the traffic."""
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
