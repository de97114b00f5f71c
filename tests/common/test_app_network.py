"""What the network policy of an app lets in and out, evaluated as the Kubernetes API describes it."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from functions.common.adapters.kubernetes.names import Runtime, place_of
from functions.common.adapters.kubernetes.pods import surroundings
from functions.common.settings import INTERNAL_NETWORKS

ENVIRONMENT = {"slipway.dev/app": "hello", "slipway.dev/environment": "production"}
DENIED = Runtime(egress_denied=INTERNAL_NETWORKS)


def policy(runtime: Runtime) -> dict[str, Any]:
    place = place_of("hello", "production", shared=runtime.shared_namespace)
    objects = surroundings("hello", "production", place, runtime)
    (found,) = [one for _, one in objects if one["kind"] == "NetworkPolicy"]
    spec: dict[str, Any] = found["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    return spec


def reaches(spec: dict[str, Any], address: str, port: int) -> bool:
    """Return whether the app's pods may connect to an address that is none of their pods'."""
    target = ip_address(address)

    def is_peer(peer: dict[str, Any]) -> bool:
        block = peer.get("ipBlock")
        if block is None or ip_network(block["cidr"]).version != target.version:
            return False
        return target in ip_network(block["cidr"]) and not any(
            target in ip_network(one) for one in block.get("except", ())
        )

    return any(
        (not rule.get("ports") or any(one["port"] == port for one in rule["ports"]))
        and (not rule.get("to") or any(map(is_peer, rule["to"])))
        for rule in spec["egress"]
    )


def calls(spec: dict[str, Any], namespace: str, labels: dict[str, str] | None = None) -> bool:
    """Return whether any pod of another namespace may connect to the app's pods."""
    given = {"kubernetes.io/metadata.name": namespace, **(labels or {})}

    def holds(rule: dict[str, Any]) -> bool:
        value = given.get(rule["key"])
        return {
            "DoesNotExist": value is None,
            "In": value in rule.get("values", ()),
            "NotIn": value not in rule.get("values", ()),
        }[rule["operator"]]

    selectors = [
        peer["namespaceSelector"]
        for rule in spec["ingress"]
        for peer in rule["from"]
        if len(peer) == 1 and "namespaceSelector" in peer
    ]
    return any(all(map(holds, selector["matchExpressions"])) for selector in selectors)


@pytest.mark.parametrize(
    ("address", "port", "may"),
    [
        ("93.184.216.34", 443, True),
        ("2606:2800:220:1::1", 443, True),
        ("10.96.0.10", 53, True),
        ("169.254.169.254", 80, False),
        ("10.96.0.1", 443, False),
        ("172.20.3.4", 5432, False),
        ("192.168.1.10", 10250, False),
        ("100.100.100.200", 80, False),
        ("fe80::a9fe:a9fe", 80, False),
        ("fd00:ec2::254", 80, False),
    ],
)
def test_apps_reach_the_internet_and_name_servers_and_nothing_inside(address: str, port: int, may: bool) -> None:  # noqa: FBT001 - of the table
    assert reaches(policy(DENIED), address, port) is may


def test_a_network_that_is_allowed_is_reached() -> None:
    runtime = Runtime(egress_denied=INTERNAL_NETWORKS, egress_allowed=("10.0.5.0/24",))
    assert reaches(policy(runtime), "10.0.5.7", 5432)
    assert not reaches(policy(runtime), "10.0.6.7", 5432)


def test_the_gateway_calls_apps_and_other_apps_and_builds_do_not() -> None:
    spec = policy(DENIED)
    assert calls(spec, "kourier-system")
    for namespace, labels in (("app-other", {"slipway.dev/app": "other"}), ("slipway-builds", {}), ("default", {})):
        assert not calls(spec, namespace, labels), namespace
    spec = policy(Runtime(callers=("envoy-gateway-system",)))
    assert calls(spec, "envoy-gateway-system")
    assert not calls(spec, "kourier-system")


def test_in_a_namespace_of_its_own_the_policy_holds_for_every_pod_and_in_a_shared_one_for_the_apps() -> None:
    assert policy(DENIED)["podSelector"] == {}
    shared = policy(Runtime(shared_namespace="projects", egress_denied=INTERNAL_NETWORKS))
    assert shared["podSelector"] == {"matchLabels": ENVIRONMENT}
    assert not calls(shared, "projects")
