"""What surrounds an environment's processes: namespace, network, account, limits."""

from typing import Any

from functions.common.adapters.kubernetes_labels import APP, ENVIRONMENT, dns_label, labels_of
from functions.common.adapters.kubernetes_place import Place
from functions.common.adapters.kubernetes_runtime import Runtime

Object = dict[str, Any]
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
