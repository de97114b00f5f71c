"""An app's route on a cluster: which listeners it attaches to, and what it adds to answers."""

from typing import Any

import pytest

from functions.common.adapters.kubernetes.names import Kind, Runtime, Traffic, place_of
from functions.common.adapters.kubernetes.routes import maintenance_objects, routes
from tests.contract.kubernetes_deployer_world import a_workload

OURS = Runtime(default_domain="example.org", gateway="edge/web", hsts=60)
HSTS = {"name": "Strict-Transport-Security", "value": "max-age=60"}


def route(runtime: Runtime, kind: Kind = Kind.DEPLOYMENT, **changes: object) -> dict[str, Any]:
    """Return the spec of the app's HTTPRoute, or of the one that takes its hosts for maintenance."""
    workload, place = (
        a_workload(1, **{"hosts": ("hello.example.org",), **changes}),
        place_of("hello", "production", shared=""),
    )
    made = (
        maintenance_objects(workload, place, runtime)
        if workload.maintenance
        else routes(workload, kind, place, runtime)
    )
    return next(body["spec"] for _, body in made if body["kind"] == "HTTPRoute")


def headers(spec: dict[str, Any]) -> list[dict[str, str]]:
    filters = spec["rules"][0].get("filters", [])
    return [one for part in filters for one in part["responseHeaderModifier"]["set"]]


@pytest.mark.parametrize("maintenance", [False, True])
@pytest.mark.parametrize("kind", [Kind.DEPLOYMENT, Kind.ROLLOUT])
def test_a_route_attaches_to_the_listener_of_apps_and_keeps_browsers_to_https(kind: Kind, *, maintenance: bool) -> None:
    spec = route(OURS, kind, maintenance=maintenance)
    assert spec["parentRefs"] == [{"name": "web", "namespace": "edge", "sectionName": "apps"}]
    assert HSTS in headers(spec)


def test_weights_of_a_canary_leave_the_headers() -> None:
    spec = route(Runtime(default_domain="example.org", traffic=Traffic.GATEWAY, hsts=60), Kind.ROLLOUT)
    assert (len(spec["rules"][0]["backendRefs"]), headers(spec)) == (2, [HSTS])


def test_a_custom_domain_brings_a_listener_of_its_own() -> None:
    parents = route(OURS, hosts=("hello.example.org", "shop.example.net"))["parentRefs"]
    assert [(one.get("kind", "Gateway"), one.get("sectionName")) for one in parents] == [
        ("Gateway", "apps"),
        ("ListenerSet", None),
    ]


def test_an_operator_may_choose_the_listener_and_leave_the_header_to_apps() -> None:
    chosen = route(Runtime(default_domain="example.org", gateway="edge/web", gateway_section="websecure", hsts=0))
    assert (chosen["parentRefs"][0]["sectionName"], headers(chosen)) == ("websecure", [])
    every = route(Runtime(default_domain="example.org", gateway="edge/web", gateway_section=""))
    assert every["parentRefs"] == [{"name": "web", "namespace": "edge"}]
