"""Reads the routing table from knative/base/broker.yaml and knative/functions/*.yaml, which a cluster reads too.

What has a meaning on a cluster that one machine would not give it is an error at the start, naming file and field.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml
from cronsim import CronSim, CronSimError

from functions.common.errors import Rejected
from functions.common.events.envelope import SPEC_VERSION
from functions.common.runtime.cloudevent import CloudEvent, check_event
from functions.local.routing import Backoff, Delivery, Ping, Routing, Service, Trigger

_DURATION = re.compile(
    r"^P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(text: str) -> float:
    """Return the length of an ISO-8601 duration. Raises Rejected for anything but days, hours, minutes and seconds."""
    match = _DURATION.match(text)
    parts = {name: value for name, value in match.groupdict().items() if value} if match else {}
    if not parts:
        msg = f"{text!r} is no ISO-8601 duration such as PT0.25S, PT1M or PT2H"
        raise Rejected(msg)
    return sum(float(value) * _SECONDS[name] for name, value in parts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A mapping in a manifest, and its place for error texts."""

    file: str
    where: str
    body: Mapping[str, Any]

    def refuse(self, field: str, problem: str) -> NoReturn:
        """Raise Rejected naming the file, the resource and the field."""
        msg = f"{self.file}: {self.where}{field}: {problem}"
        raise Rejected(msg)

    def only(self, *known: str) -> "Resource":
        """Return itself when it has no other fields than these."""
        for name in self.body:
            if name not in known:
                self.refuse(name, f"is not supported on one machine; supported are {', '.join(known)}")
        return self

    def part(self, name: str) -> "Resource":
        """Return the mapping in a field; empty when the field is missing."""
        body = self.body.get(name)
        if body is not None and not isinstance(body, Mapping):
            self.refuse(name, "must be a mapping")
        return Resource(file=self.file, where=f"{self.where}{name}.", body=body or {})

    def parts(self, name: str) -> Iterator["Resource"]:
        """Return the mappings of a list."""
        for index, body in enumerate(self.body.get(name) or ()):
            if not isinstance(body, Mapping):
                self.refuse(f"{name}[{index}]", "must be a mapping")
            yield Resource(file=self.file, where=f"{self.where}{name}[{index}].", body=body)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string field."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            self.refuse(name, "is missing" if value is None else "must be a string that is not empty")
        return value

    def count(self, name: str, default: int | None = None) -> int:
        """Return a field that is a whole number of zero or more."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.refuse(name, "is missing" if value is None else "must be a whole number, zero or more")
        return value


def read_resources(root: Path, path: Path) -> Iterator[tuple[str, Resource]]:
    """Return each document of a YAML file with its kind. Raises Rejected when it cannot be read."""
    file = str(path.relative_to(root))
    try:
        documents = list(yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (OSError, yaml.YAMLError) as error:
        msg = f"{file}: cannot be read: {error}"
        raise Rejected(msg) from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, Mapping) or not isinstance(document.get("kind"), str):
            msg = f"{file}: a document has no kind"
            raise Rejected(msg)
        metadata = document.get("metadata") or {}
        name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
        yield document["kind"], Resource(file=file, where=f"{document['kind']} {name}: ", body=document)


_FIELDS = ("retry", "backoffPolicy", "backoffDelay", "timeout", "deadLetterSink", "format")


def read_broker_delivery(spec: Resource) -> Delivery:
    """Return the delivery that Triggers have when they say nothing. Raises Rejected."""
    return _read(spec, sink=None)


def read_trigger_delivery(spec: Resource, default: Delivery) -> Delivery:
    """Return a Trigger's own delivery; only the dead-letter sink falls back to the Broker's. Raises Rejected.

    On a cluster a Trigger's `delivery` replaces the Broker's as a whole: without a `retry` of its own
    it would have none. So it must say all of it.
    """
    for name in ("retry", "backoffPolicy", "backoffDelay"):
        if name not in spec.body:
            spec.refuse(name, "is missing: a Trigger's delivery replaces the Broker's as a whole, so it must say it")
    return _read(spec, sink=default.sink)


def service_name(destination: Resource) -> str:
    """Return the name of the Knative Service in a `ref`. Raises Rejected for any other destination."""
    ref = destination.part("ref").only("apiVersion", "kind", "name", "namespace")
    if not ref.body:
        destination.refuse("ref", "is missing: only a Knative Service can be a destination")
    if ref.text("kind") != "Service" or ref.text("apiVersion") != "serving.knative.dev/v1":
        ref.refuse("kind", "must be Service of serving.knative.dev/v1")
    return ref.text("name")


def _read(spec: Resource, *, sink: str | None) -> Delivery:
    spec.only(*_FIELDS)
    if spec.text("format", "json") != "json":
        spec.refuse("format", "must be json on one machine, where every event is delivered in the structured form")
    policy = spec.text("backoffPolicy", "exponential")
    if policy not in set(Backoff):
        spec.refuse("backoffPolicy", f"must be {' or '.join(Backoff)}, not {policy!r}")
    if "deadLetterSink" in spec.body:
        sink = service_name(spec.part("deadLetterSink").only("ref"))
    if sink is None:
        spec.refuse("deadLetterSink", "is missing: an event that no function can handle would be lost")
    return Delivery(
        retry=spec.count("retry", 10),
        policy=Backoff(policy),
        delay=_duration(spec, "backoffDelay", "PT0.2S"),
        timeout=_duration(spec, "timeout", "") if "timeout" in spec.body else None,
        sink=sink,
    )


def _duration(spec: Resource, name: str, default: str) -> float:
    text = spec.text(name, default)
    try:
        return seconds(text)
    except Rejected as error:
        spec.refuse(name, str(error))


# They grant permissions, or watch a cluster: neither exists here.
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
    """Return the plain values; those from the Secret are settings, which the platform passes on by itself."""
    plain = (item for item in container.parts("env") if "secretKeyRef" not in item.part("valueFrom").body)
    return {item.text("name"): item.only("name", "value").text("value", "") for item in plain}


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
        check_schedule(spec.text("schedule"))
    except Rejected as error:
        spec.refuse("schedule", str(error))
    content_type, data = spec.text("contentType", "application/json"), spec.text("data", "").encode()
    attributes = {
        "specversion": SPEC_VERSION,
        "id": "tick",
        "source": "/",
        "type": "t",
        "datacontenttype": content_type,
    }
    try:
        check_event(CloudEvent(attributes=attributes, data=data))
    except Rejected as error:
        spec.refuse("data", str(error))
    sink = spec.part("sink").only("ref", "uri")
    return Ping(
        name=resource.part("metadata").text("name"),
        namespace=resource.part("metadata").text("namespace", "default"),
        schedule=spec.text("schedule"),
        content_type=content_type,
        data=data,
        service=service_name(sink),
        path=sink.text("uri", "/"),
    )


_FIELD_COUNT = 5


def check_schedule(text: str) -> None:
    """Raise Rejected when a schedule is not five fields that cron understands."""
    if len(text.split()) != _FIELD_COUNT:
        msg = f"schedule {text!r} must have five fields: minute hour day month weekday"
        raise Rejected(msg)
    try:
        CronSim(text, datetime.now(UTC))
    except CronSimError as error:
        msg = f"schedule {text!r} cannot be read: {error}"
        raise Rejected(msg) from error


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
