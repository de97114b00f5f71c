"""Pods and their surroundings: namespace, Secret, Service, ServiceAccount, release command."""

import logging
import re
from dataclasses import dataclass

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import (
    APP,
    ENVIRONMENT,
    NAMESPACES,
    PUSH,
    RELEASE,
    Place,
    Runtime,
    dns_label,
    labels_of,
)
from functions.common.domain.release import Workload
from functions.common.errors import Rejected, Unavailable

# What surrounds an environment's processes: namespace, network, account, limits.

ACCOUNT = "app"  # the name of each of these


def surroundings(app: str, environment: str, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and body of each object but the namespace, in the order in which they are to be there."""
    labels = labels_of(app, environment)
    network = {"spec": _network(app, environment, place)}
    objects = [
        _object("v1", "ServiceAccount", {"automountServiceAccountToken": False}, place=place, labels=labels),
        _object("networking.k8s.io/v1", "NetworkPolicy", network, place=place, labels=labels),
    ]
    if runtime.shared_namespace:
        return objects
    return [
        *objects,
        _object("v1", "ResourceQuota", {"spec": {"hard": _quota(runtime)}}, place=place, labels=labels),
        _object("v1", "LimitRange", {"spec": {"limits": [_limits(runtime)]}}, place=place, labels=labels),
    ]


def namespace(app: str, environment: str, place: Place) -> Object:
    """Return the environment's namespace; its labels are what tells that it is Slipway's."""
    labels = {**labels_of(app, environment), "pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.namespace, "labels": labels}}


def _object(version: str, kind: str, fields: Object, *, place: Place, labels: dict[str, str]) -> tuple[str, Object]:
    metadata = {"name": place.name(ACCOUNT), "namespace": place.namespace, "labels": labels}
    return place.path(kind, ACCOUNT), {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _network(app: str, environment: str, place: Place) -> Object:
    """Return who may come in: this environment, and namespaces that are no app's, such as the ingress's."""
    own = {APP: app, ENVIRONMENT: dns_label(environment)}
    others = [
        {"key": APP, "operator": "DoesNotExist"},
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [place.namespace]},
    ]
    return {
        "podSelector": {"matchLabels": own},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": {"matchLabels": own}}, {"namespaceSelector": {"matchExpressions": others}}]}
        ],
    }


def _quota(runtime: Runtime) -> Object:
    return {"requests.cpu": runtime.quota_cpu, "requests.memory": runtime.quota_memory, "pods": "50"}


def _limits(runtime: Runtime) -> Object:
    return {
        "type": "Container",
        "defaultRequest": {"cpu": runtime.cpu, "memory": runtime.memory},
        "default": {"memory": runtime.memory_limit},
    }


# The namespaces of environments: Slipway's own are those with its labels, others stay as they are.

_log = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """Makes and looks at namespaces of single environments."""

    api: KubernetesApi

    def claim(self, app: str, environment: str, place: Place) -> None:
        """Make the namespace, or go on with the one that an earlier try made.

        It is created, never applied: that would take over one that is there. Raises Rejected when somebody
        else has it, and Unavailable while one of its name is going.
        """
        if self.api.create(NAMESPACES, namespace(app, environment, place)):
            return
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None or found["metadata"].get("deletionTimestamp"):
            msg = f"namespace {place.namespace} is on its way out: it is tried again"
            raise Unavailable(msg)
        if not _is_own(found, app, environment):
            msg = (
                f"namespace {place.namespace} is there and is not Slipway's: it lacks the labels of "
                f"{app}/{environment}; choose another app name, or delete it"
            )
            raise Rejected(msg)

    def may_remove(self, app: str, environment: str, place: Place) -> bool:
        """Return whether the namespace is the environment's own; somebody else's is told of in the log and stays."""
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None:
            return False
        own = _is_own(found, app, environment)
        if not own:
            _log.warning("namespace %s is not that of %s/%s: it stays", place.namespace, app, environment)
        return own


def _is_own(found: Object, app: str, environment: str) -> bool:
    return labels_of(app, environment).items() <= (found["metadata"].get("labels") or {}).items()


# Pods of an app's processes.

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
