"""Routes to an app: Service, and HTTPRoute, Ingress or DomainMapping.

During maintenance the hosts lead to a Service without pods, which a gateway answers with 503. For that a second route
takes the hosts over from the app's own, which stays as it is: a controller of canaries may be changing its weights.
"""

from collections.abc import Mapping
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
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
from functions.common.adapters.kubernetes.record import Record
from functions.common.adapters.kubernetes.workloads import CANARY, STABLE
from functions.common.domain.release import Workload

Object = dict[str, Any]
_GATEWAY_VERSION = "gateway.networking.k8s.io/v1"
MAINTENANCE = "maintenance"
RETRY_SECONDS = 60
_NO_HOST = "maintenance.invalid"  # no request has it, and a route without hosts would take those of all apps


def routes(workload: Workload, kind: Kind, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and body of each object on the route to the web process."""
    if kind is Kind.KNATIVE:
        return [_domain_mapping(host, workload, place, runtime) for host in workload.hosts]
    names = [STABLE, CANARY] if uses_weights(kind, runtime) else [STABLE]
    services = [_service(name, workload, place) for name in names]
    if runtime.entrance is Entrance.INGRESS:
        return [*services, _ingress(workload, place, runtime)]
    return [*services, app_route(workload, kind, place, runtime)]


def app_route(workload: Workload, kind: Kind, place: Place, runtime: Runtime) -> tuple[str, Object]:
    """Return path and body of the app's HTTPRoute; it has no host while another route has them for maintenance.

    It has no weights, which Argo sets.
    """
    names = [STABLE, CANARY] if uses_weights(kind, runtime) else [STABLE]
    backends = [{"name": place.name(name), "port": 80} for name in names]
    rule = {**_filters(runtime), "backendRefs": backends}
    hosts = (_NO_HOST,) if workload.maintenance else workload.hosts
    return _http_route(WEB, workload, place, runtime, hosts=hosts, rule=rule)


def maintenance_objects(workload: Workload, place: Place, runtime: Runtime) -> list[tuple[str, Object]]:
    """Return path and body of the Service without pods and the HTTPRoute that leads the app's hosts to it."""
    path, service = _service(MAINTENANCE, workload, place)
    service["spec"]["selector"] = selected_by(workload.app, workload.environment, MAINTENANCE)
    rule = {
        **_filters(runtime, {"Retry-After": str(RETRY_SECONDS)}),
        "backendRefs": [{"name": place.name(MAINTENANCE), "port": 80}],
    }
    if runtime.entrance is Entrance.INGRESS:
        return [(path, service)]
    return [(path, service), _http_route(MAINTENANCE, workload, place, runtime, hosts=workload.hosts, rule=rule)]


def has_maintenance(kind: Kind, runtime: Runtime) -> bool:
    """Return whether an app's hosts can lead elsewhere: a DomainMapping leads to its Knative Service alone."""
    return kind is not Kind.KNATIVE or runtime.entrance is Entrance.GATEWAY


def switch_maintenance(record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Lead the app's hosts to where the record's workload wants them; no request meets a host without a route.

    Of two routes with the same host the older one gets the requests, by the rules of the Gateway API: that is the
    app's own, whenever it has its hosts.
    """
    workload, kind = record.workload, record.kind
    if workload.maintenance:
        for path, body in maintenance_objects(workload, place, runtime):
            api.apply(path, body)
    if runtime.entrance is Entrance.INGRESS:
        api.apply(*_ingress(workload, place, runtime))
        return
    if kind is not Kind.KNATIVE:
        path, body = app_route(workload, kind, place, runtime)
        api.merge(path, {"spec": {name: body["spec"][name] for name in ("parentRefs", "hostnames")}})
    if not workload.maintenance:
        api.delete(place.path("HTTPRoute", MAINTENANCE))


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


def _http_route(
    name: str, workload: Workload, place: Place, runtime: Runtime, *, hosts: tuple[str, ...], rule: Object
) -> tuple[str, Object]:
    """Return a route of one rule for all paths.

    Each custom domain has a ListenerSet beside the Gateway, which is created with its certificate.
    """
    namespace, _, gateway = runtime.gateway.partition("/")
    section = {"sectionName": runtime.gateway_section} if runtime.gateway_section else {}
    parents: list[Object] = [{"name": gateway, "namespace": namespace, **section}]
    for host in workload.hosts:
        if not host.endswith(f".{runtime.default_domain}"):
            group = {"group": "gateway.networking.k8s.io", "kind": "ListenerSet"}
            parents.append({**group, "name": secret_of(host), "namespace": namespace})
    body = _body(_GATEWAY_VERSION, "HTTPRoute", place.name(name), workload, place)
    body["spec"] = {
        "parentRefs": parents,
        "hostnames": list(hosts),
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], **rule}],
    }
    return place.path("HTTPRoute", name), body


def _filters(runtime: Runtime, headers: Mapping[str, str] | None = None) -> Object:
    """Return the part of a rule that sets these headers of answers, and the one that keeps browsers to HTTPS."""
    all_of = {**(headers or {}), **({"Strict-Transport-Security": f"max-age={runtime.hsts}"} if runtime.hsts else {})}
    found = [{"name": name, "value": value} for name, value in all_of.items()]
    if not found:
        return {}
    return {"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": found}}]}


def _ingress(workload: Workload, place: Place, runtime: Runtime) -> tuple[str, Object]:
    name = place.name(MAINTENANCE if workload.maintenance else STABLE)
    backend = {"service": {"name": name, "port": {"number": 80}}}
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
