"""What a cluster's own parts send, by type: shaped as theirs, one for each function that listens."""

from typing import Any

_MARKS = {
    "app.kubernetes.io/managed-by": "slipway",
    "slipway.dev/app": "hello",
    "slipway.dev/environment": "production",
}
_RELEASE = {"slipway.dev/release": "1", "slipway.dev/push": "p1"}
UPDATE = "dev.knative.apiserver.resource.update"
ROLLOUT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {
        "name": "web",
        "namespace": "app-hello",
        "uid": "1",
        "labels": {**_MARKS, "slipway.dev/process": "web"},
        "generation": 2,
    },
    "spec": {"template": {"metadata": {"annotations": _RELEASE}}},
    "status": {"observedGeneration": "2", "phase": "Healthy"},
}
JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "release-1",
        "namespace": "app-hello",
        "uid": "2",
        "labels": {**_MARKS, "slipway.dev/process": "release"},
        "annotations": _RELEASE,
    },
    "status": {"conditions": [{"type": "Complete", "status": "True"}]},
}
CERTIFICATE: dict[str, Any] = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {
        "name": "tls-hello.apps.example.org",
        "namespace": "slipway-edge",
        "uid": "3",
        "labels": _MARKS,
        "annotations": {"slipway.dev/host": "hello.apps.example.org"},
    },
    "status": {"conditions": [{"type": "Ready", "status": "True"}], "notAfter": "2099-01-01T00:00:00Z"},
}
SUCCEEDED: dict[str, Any] = {
    "pipelineRun": {
        "metadata": {"name": "hello-1", "labels": {**_MARKS, "slipway.dev/build": "hello-1"}, "annotations": _RELEASE},
        "status": {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Completed"}]},
    }
}
FAILED: dict[str, Any] = {
    "pipelineRun": SUCCEEDED["pipelineRun"]
    | {"status": {"conditions": [{"type": "Succeeded", "status": "False", "reason": "Failed"}]}}
}
BUILT, NOT_BUILT = "dev.tekton.event.pipelinerun.successful.v1", "dev.tekton.event.pipelinerun.failed.v1"
_RUNS = {
    "promote-image": {BUILT: SUCCEEDED},
    "track-release": {BUILT: SUCCEEDED},
    "record-build": {BUILT: SUCCEEDED, NOT_BUILT: FAILED},
}
_OBJECTS = {"track-release": ROLLOUT, "promote-image": JOB, "issue-cert": CERTIFICATE}


def foreign_events(function: str) -> list[dict[str, object]]:
    """Return the events that others than Slipway send to a function."""
    event: dict[str, object] = {"specversion": "1.0", "id": "foreign", "source": "https://10.0.0.1:443"}
    objects = [{**event, "type": UPDATE, "data": _OBJECTS[function]}] if function in _OBJECTS else []
    runs = [{**event, "id": kind, "type": kind, "data": data} for kind, data in _RUNS.get(function, {}).items()]
    return objects + runs
