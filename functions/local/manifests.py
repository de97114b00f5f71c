"""Reads knative/base/broker.yaml and knative/functions/*.yaml: what runs here is what is deployed there.

Whatever has a meaning on a cluster that this machine would not give it is refused at start.
"""

from collections import Counter
from pathlib import Path

from functions.common.errors import Rejected
from functions.local.broker.cron import parse
from functions.local.delivery_spec import read_broker_delivery, read_trigger_delivery, service_name
from functions.local.resource import Resource, read_resources
from functions.local.routing import Delivery, Ping, Routing, Service, Trigger

# They say who may do what, or watch a cluster: nothing of that is here.
_CLUSTER_ONLY = frozenset(
    {
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "SinkBinding",
        "ApiServerSource",
        "NetworkPolicy",
    }
)
_RESERVED = frozenset({"postgres", "nats", "caddy", "broker", "git", "builds", "rollouts", "gateway", "apps"})


def read_routing(root: Path) -> Routing:
    """Return the routing table of the project in `root`. Raises Rejected naming file and field."""
    folder = root / "knative"
    broker, default = _broker(root, folder / "base" / "broker.yaml")
    namespace = str(broker.part("metadata").body.get("namespace", "default"))
    services, triggers, pings = list[Service](), list[Trigger](), list[Ping]()
    for path in sorted((folder / "functions").glob("*.yaml")):
        for kind, resource in read_resources(root, path):
            if kind == "Service":
                services.append(_service(root, resource))
            elif kind == "Trigger":
                triggers.append(_trigger(resource, broker.part("metadata").text("name"), default))
            elif kind == "PingSource":
                pings.append(_ping(resource))
            elif kind not in _CLUSTER_ONLY:
                resource.refuse("kind", f"{kind} is not supported on one machine")
    routing = Routing(
        broker=broker.part("metadata").text("name"),
        namespace=namespace,
        services=tuple(services),
        triggers=tuple(triggers),
        pings=tuple(pings),
    )
    _check_names(routing)
    return routing


def _broker(root: Path, path: Path) -> tuple[Resource, Delivery]:
    brokers = [resource for kind, resource in read_resources(root, path) if kind == "Broker"]
    if len(brokers) != 1:
        msg = f"{path.relative_to(root)}: must hold exactly one Broker, not {len(brokers)}"
        raise Rejected(msg)
    spec = brokers[0].part("spec").only("delivery", "config")
    return brokers[0], read_broker_delivery(spec.part("delivery"))


def _service(root: Path, resource: Resource) -> Service:
    name = resource.part("metadata").text("name")
    spec = resource.part("spec").part("template").part("spec")
    containers = list(spec.parts("containers"))
    if len(containers) != 1:
        spec.refuse("containers", "must be exactly one")
    environment = _environment(containers[0])
    for required in ("FUNCTION_SOURCE", "FUNCTION_TARGET"):
        if required not in environment:
            containers[0].refuse("env", f"{required} is missing")
    source = environment.pop("FUNCTION_SOURCE")
    if not (root / source).is_file():
        containers[0].refuse("env", f"FUNCTION_SOURCE {source} does not exist")
    return Service(
        name=name,
        source=source,
        target=environment.pop("FUNCTION_TARGET"),
        concurrency=spec.count("containerConcurrency", 0),
        timeout=float(spec.count("timeoutSeconds", 300)),
        environment=environment,
    )


def _environment(container: Resource) -> dict[str, str]:
    return {item.text("name"): item.only("name", "value").text("value", "") for item in container.parts("env")}


def _trigger(resource: Resource, broker: str, default: Delivery) -> Trigger:
    spec = resource.part("spec").only("broker", "filter", "subscriber", "delivery")
    if spec.text("broker") != broker:
        spec.refuse("broker", f"must be {broker}, the one in broker.yaml")
    attributes = spec.part("filter").only("attributes").part("attributes")
    subscriber = spec.part("subscriber").only("ref", "uri")
    return Trigger(
        name=resource.part("metadata").text("name"),
        attributes={name: attributes.text(name) for name in attributes.body},
        service=service_name(subscriber),
        path=subscriber.text("uri", "/"),
        delivery=read_trigger_delivery(spec.part("delivery"), default) if "delivery" in spec.body else default,
    )


def _ping(resource: Resource) -> Ping:
    spec = resource.part("spec").only("schedule", "timezone", "contentType", "data", "sink")
    if spec.text("timezone", "UTC") not in {"UTC", "Etc/UTC"}:
        spec.refuse("timezone", "must be UTC on one machine")
    try:
        parse(spec.text("schedule"))
    except Rejected as error:
        spec.refuse("schedule", str(error))
    sink = spec.part("sink").only("ref", "uri")
    return Ping(
        name=resource.part("metadata").text("name"),
        namespace=resource.part("metadata").text("namespace", "default"),
        schedule=spec.text("schedule"),
        content_type=spec.text("contentType", "application/json"),
        data=spec.text("data", "").encode(),
        service=service_name(sink),
        path=sink.text("uri", "/"),
    )


def _check_names(routing: Routing) -> None:
    known = {service.name for service in routing.services}
    for kind, names in (
        ("Service", [service.name for service in routing.services]),
        ("Trigger", [trigger.name for trigger in routing.triggers]),
        ("PingSource", [ping.name for ping in routing.pings]),
    ):
        for name, count in Counter(names).items():
            if count > 1 or (kind == "Service" and name in _RESERVED):
                msg = f"knative/functions: the {kind} name {name} is {'there twice' if count > 1 else 'reserved'}"
                raise Rejected(msg)
    wanted = [(f"Trigger {trigger.name}: spec.subscriber.ref", trigger.service) for trigger in routing.triggers]
    wanted += [(f"Trigger {trigger.name}: deadLetterSink.ref", trigger.delivery.sink) for trigger in routing.triggers]
    wanted += [(f"PingSource {ping.name}: spec.sink.ref", ping.service) for ping in routing.pings]
    for where, name in wanted:
        if name not in known:
            msg = f"knative/functions: {where}: there is no Service {name}"
            raise Rejected(msg)
