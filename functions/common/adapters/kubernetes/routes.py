"""Routes to an app: Service, and HTTPRoute, Ingress or DomainMapping."""

from typing import Any

from functions.common.adapters.kubernetes.names import (
    Entrance,
    Kind,
    Place,
    Runtime,
    Traffic,
    labels_of,
    secret_of,
    selected_by,
)
from functions.common.adapters.kubernetes.pods import WEB
from functions.common.adapters.kubernetes.workloads import CANARY, STABLE
from functions.common.domain.release import Workload

Object = dict[str, Any]
_GATEWAY_VERSION = "gateway.networking.k8s.io/v1"


def routes(workload: Workload, kind: Kind, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and body of each object on the route to the web process."""
    if kind is Kind.KNATIVE:
        return [_domain_mapping(host, workload, place, runtime) for host in workload.hosts]
    names = [STABLE, CANARY] if uses_weights(kind, runtime) else [STABLE]
    services = [_service(name, workload, place) for name in names]
    if runtime.entrance is Entrance.INGRESS:
        return [*services, _ingress(workload, place, runtime)]
    return [*services, _http_route(workload, names, place, runtime)]


def uses_weights(kind: Kind, runtime: Runtime) -> bool:
    """Return whether the weights of the route shift the traffic."""
    return kind is Kind.ROLLOUT and runtime.traffic is Traffic.GATEWAY


def _service(name: str, workload: Workload, place: Place) -> tuple[str, Object]:
    body = _body("v1", "Service", place.name(name), workload, place)
    body["spec"] = {
        "selector": selected_by(workload.app, workload.environment, WEB),
        "ports": [{"name": "http", "port": 80, "targetPort": "http1"}],
    }
    return place.path("Service", name), body


def _http_route(workload: Workload, backends: list[str], place: Place, runtime: Runtime) -> tuple[str, Object]:
    """Return the route without weights, which Argo sets.

    Each custom domain has a ListenerSet beside the Gateway, which is created with its certificate.
    """
    namespace, _, name = runtime.gateway.partition("/")
    parents: list[Object] = [{"name": name, "namespace": namespace}]
    for host in workload.hosts:
        if not host.endswith(f".{runtime.default_domain}"):
            group = {"group": "gateway.networking.k8s.io", "kind": "ListenerSet"}
            parents.append({**group, "name": secret_of(host), "namespace": namespace})
    body = _body(_GATEWAY_VERSION, "HTTPRoute", place.name(WEB), workload, place)
    body["spec"] = {
        "parentRefs": parents,
        "hostnames": list(workload.hosts),
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": place.name(backend), "port": 80} for backend in backends],
            }
        ],
    }
    return place.path("HTTPRoute", WEB), body


def _ingress(workload: Workload, place: Place, runtime: Runtime) -> tuple[str, Object]:
    backend = {"service": {"name": place.name(STABLE), "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    body = _body("networking.k8s.io/v1", "Ingress", place.name(WEB), workload, place)
    body["spec"] = {
        "tls": [{"hosts": [host], "secretName": _secret(host, runtime)} for host in workload.hosts],
        "rules": [{"host": host, "http": {"paths": paths}} for host in workload.hosts],
        **({"ingressClassName": runtime.ingress_class} if runtime.ingress_class else {}),
    }
    return place.path("Ingress", WEB), body


def _domain_mapping(host: str, workload: Workload, place: Place, runtime: Runtime) -> tuple[str, Object]:
    body = _body("serving.knative.dev/v1beta1", "DomainMapping", host, workload, place)
    body["spec"] = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": place.name(WEB)}}
    if runtime.shared_namespace:  # with the certificate's Secret in the same namespace
        body["spec"]["tls"] = {"secretName": _secret(host, runtime)}
    return f"{place.collection('DomainMapping')}/{host}", body


def _secret(host: str, runtime: Runtime) -> str:
    is_default = runtime.wildcard_secret and host.endswith(f".{runtime.default_domain}")
    return runtime.wildcard_secret if is_default else secret_of(host)


def _body(version: str, kind: str, name: str, workload: Workload, place: Place) -> Object:
    metadata = {"name": name, "namespace": place.namespace, "labels": labels_of(workload.app, workload.environment)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
