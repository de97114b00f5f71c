"""Pods of an app's processes."""

import re
from typing import Any

from functions.common.adapters.kubernetes_environment import ACCOUNT
from functions.common.adapters.kubernetes_labels import PUSH, RELEASE, labels_of
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_runtime import Runtime
from functions.common.domain.release import Workload

Object = dict[str, Any]
WEB, RELEASE_PROCESS = "web", "release"
PORT = 8080
_LAUNCHER = "/cnb/process/"


def process_name(process: str) -> str:
    """Return a process type as part of a name and as a label."""
    return re.sub(r"[^a-z0-9]+", "-", process.lower()).strip("-") or "process"


def pod_template(workload: Workload, process: str, place: Place, runtime: Runtime, *, config: str) -> Object:
    """Return the template of a process's pods; `config` is the name of the Secret with its environment.

    The release's number is in it, so that each release is a new version of the workload even where
    nothing else changed.
    """
    return {
        "metadata": {
            "labels": labels_of(workload.app, workload.environment, process_name(process)),
            "annotations": {RELEASE: str(workload.release), PUSH: workload.push},
        },
        "spec": pod_spec(workload, process, place, runtime, config=config),
    }


def pod_spec(workload: Workload, process: str, place: Place, runtime: Runtime, *, config: str) -> Object:
    """Return the pods' spec."""
    pull = {"imagePullSecrets": [{"name": runtime.pull_secret}]} if runtime.pull_secret else {}
    return {
        "serviceAccountName": place.name(ACCOUNT),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(workload, process, runtime, config)],
        **pull,
    }


def _container(workload: Workload, process: str, runtime: Runtime, config: str) -> Object:
    container = {
        "name": process_name(process),
        "image": f"{workload.image}@{workload.digest}",
        "envFrom": [{"secretRef": {"name": config}}],
        "resources": {
            "requests": {"cpu": runtime.cpu, "memory": runtime.memory},
            "limits": {"memory": runtime.memory_limit},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "env": [{"name": name, "value": value} for name, value in _given(workload, process).items()],
        **_command(workload.processes.get(process, "")),
    }
    if process != WEB:
        return container
    probe = {"httpGet": {"path": workload.health_path, "port": PORT}, "periodSeconds": 2, "failureThreshold": 3}
    return {
        **container,
        "ports": [{"name": "http1", "containerPort": PORT}],
        "readinessProbe": probe,
        # What is asked to end still gets requests for a moment, until every router knows.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }


def _given(workload: Workload, process: str) -> dict[str, str]:
    """Return what every app finds in its environment, here as on one machine; config cannot change it."""
    where = {"HOST": "0.0.0.0", "PORT": str(PORT)} if process == WEB else {}  # noqa: S104 - inside its own pod
    return {
        **where,
        "SLIPWAY_APP": workload.app,
        "SLIPWAY_ENVIRONMENT": workload.environment,
        "SLIPWAY_RELEASE": str(workload.release),
        "SLIPWAY_COMMIT": workload.sha,
    }


def _command(command: str) -> Object:
    """Return how a process starts: a buildpack's launcher as it is, a Procfile's line by the shell."""
    if not command:
        return {}
    if command.startswith(_LAUNCHER):
        return {"command": [command]}
    return {"command": ["/bin/sh", "-c", command]}
