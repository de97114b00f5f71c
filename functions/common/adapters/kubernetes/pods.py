"""Pods of an app, and the objects around them: namespace, account, network policy, limits."""

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

ACCOUNT = "app"  # the name of each object of an environment that is not a workload


def surroundings(app: str, environment: str, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and body of each object that pods need, except the namespace, in the order of their creation."""
    labels = labels_of(app, environment)
    network = {"spec": _network(app, environment, runtime)}
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
    """Return the environment's namespace; its labels mark it as Slipway's."""
    labels = {**labels_of(app, environment), "pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.namespace, "labels": labels}}


def _object(version: str, kind: str, fields: Object, *, place: Place, labels: dict[str, str]) -> tuple[str, Object]:
    metadata = {"name": place.name(ACCOUNT), "namespace": place.namespace, "labels": labels}
    return place.path(kind, ACCOUNT), {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _network(app: str, environment: str, runtime: Runtime) -> Object:
    """Return the policy: everything is denied but what a web app needs.

    Requests come from this environment, from `callers`, and without those from namespaces of neither apps nor builds,
    such as the gateway's. Pods reach each other, name servers, and the internet without `egress_denied`: those are the
    addresses of clouds' metadata and, in most clusters, of everything inside.
    """
    own = {"matchLabels": {APP: app, ENVIRONMENT: dns_label(environment)}} if runtime.shared_namespace else {}
    internet = [_block(whole, runtime.egress_denied) for whole in ("0.0.0.0/0", "::/0")]
    allowed = [_block(network) for network in runtime.egress_allowed]
    return {
        "podSelector": own,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": own}, {"namespaceSelector": {"matchExpressions": _callers(runtime)}}]}],
        "egress": [
            {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]},
            {"to": [{"podSelector": own}, *internet, *allowed]},
        ],
    }


def _callers(runtime: Runtime) -> list[Object]:
    name = "kubernetes.io/metadata.name"
    if runtime.callers:
        return [{"key": name, "operator": "In", "values": list(runtime.callers)}]
    refused = [*runtime.no_callers, *([runtime.shared_namespace] if runtime.shared_namespace else [])]
    return [
        {"key": APP, "operator": "DoesNotExist"},
        {"key": name, "operator": "NotIn", "values": refused},
    ]


def _block(network: str, denied: tuple[str, ...] = ()) -> Object:
    """Return a peer; exceptions must be of the block's own kind of address."""
    found = [one for one in denied if (":" in one) == (":" in network)]
    return {"ipBlock": {"cidr": network, **({"except": found} if found else {})}}


def _quota(runtime: Runtime) -> Object:
    return {"requests.cpu": runtime.quota_cpu, "requests.memory": runtime.quota_memory, "pods": "50"}


def _limits(runtime: Runtime) -> Object:
    return {
        "type": "Container",
        "defaultRequest": {"cpu": runtime.cpu, "memory": runtime.memory},
        "default": {"memory": runtime.memory_limit},
    }


_log = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """The namespaces of environments. Those without Slipway's labels are never changed."""

    api: KubernetesApi

    def claim(self, app: str, environment: str, place: Place) -> None:
        """Create the namespace, or continue with the one of an earlier attempt.

        It is created, not applied, because apply would take over an existing one. Raises Rejected when the namespace
        is not the environment's, and Unavailable while one of its name is being deleted.
        """
        if self.api.create(NAMESPACES, namespace(app, environment, place)):
            return
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None or found["metadata"].get("deletionTimestamp"):
            msg = f"namespace {place.namespace} is being deleted: it is tried again"
            raise Unavailable(msg)
        if not _is_own(found, app, environment):
            msg = (
                f"namespace {place.namespace} exists and is not Slipway's: it does not have the labels of "
                f"{app}/{environment}; choose another app name, or delete it"
            )
            raise Rejected(msg)

    def may_remove(self, app: str, environment: str, place: Place) -> bool:
        """Return whether the namespace is the environment's; a foreign one is logged and kept."""
        found = self.api.read(f"{NAMESPACES}/{place.namespace}")
        if found is None:
            return False
        own = _is_own(found, app, environment)
        if not own:
            _log.warning("namespace %s is not that of %s/%s: it is kept", place.namespace, app, environment)
        return own


def _is_own(found: Object, app: str, environment: str) -> bool:
    return labels_of(app, environment).items() <= (found["metadata"].get("labels") or {}).items()


WEB, RELEASE_PROCESS = "web", "release"
PORT = 8080
_LAUNCHER = "/cnb/process/"


def process_name(process: str) -> str:
    """Return a process type in a form that names and labels allow."""
    return re.sub(r"[^a-z0-9]+", "-", process.lower()).strip("-") or "process"


def pod_template(workload: Workload, process: str, place: Place, runtime: Runtime, *, config: str) -> Object:
    """Return the pod template of a process; `config` is the name of the Secret with its environment variables.

    It contains the release's number: each release is a new version of the workload, even when nothing else changed.
    """
    return {
        "metadata": {
            "labels": labels_of(workload.app, workload.environment, process_name(process)),
            "annotations": {RELEASE: str(workload.release), PUSH: workload.push},
        },
        "spec": pod_spec(workload, process, place, runtime, config=config),
    }


def pod_spec(workload: Workload, process: str, place: Place, runtime: Runtime, *, config: str) -> Object:
    """Return the pod spec of a process."""
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
        "resources": _resources(workload, runtime),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "env": [{"name": name, "value": value} for name, value in _fixed_variables(workload, process).items()],
        **_command(workload.processes.get(process, "")),
    }
    if process != WEB:
        return container
    port = port_of(workload)
    probe = {"httpGet": {"path": workload.health_path, "port": port}, "periodSeconds": 2, "failureThreshold": 3}
    return {
        **container,
        "ports": [{"name": "http1", "containerPort": port}],
        "readinessProbe": probe,
        # A terminating pod still gets requests for a moment, until every router has noticed.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }


def port_of(workload: Workload) -> int:
    """Return the port that the web process listens on."""
    return workload.port or PORT


def _resources(workload: Workload, runtime: Runtime) -> Object:
    """Return requests and limits: a limit of the app's own is requested as a whole, so that it can be had."""
    cpu, memory = workload.cpu, workload.memory
    return {
        "requests": {"cpu": cpu or runtime.cpu, "memory": memory or runtime.memory},
        "limits": {"memory": memory or runtime.memory_limit, **({"cpu": cpu} if cpu else {})},
    }


def _fixed_variables(workload: Workload, process: str) -> dict[str, str]:
    """Return the variables of every app, the same as on one machine; config cannot override them."""
    where = {"HOST": "0.0.0.0", "PORT": str(port_of(workload))} if process == WEB else {}  # noqa: S104 - inside its own pod
    return {
        **where,
        "SLIPWAY_APP": workload.app,
        "SLIPWAY_ENVIRONMENT": workload.environment,
        "SLIPWAY_RELEASE": str(workload.release),
        "SLIPWAY_COMMIT": workload.sha,
    }


def _command(command: str) -> Object:
    """Return the command of a process: a buildpack's launcher directly, a Procfile's line by the shell."""
    if not command:
        return {}
    if command.startswith(_LAUNCHER):
        return {"command": [command]}
    return {"command": ["/bin/sh", "-c", command]}
