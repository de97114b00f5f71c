"""The routing table: Services, Triggers, delivery rules and clocks, read from knative/."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from functions.common.adapters.lazy import lazy
from functions.common.errors import Rejected

if TYPE_CHECKING:
    import yaml
else:  # only the platform's start needs it
    yaml = lazy("yaml")

# The routing table: what knative/ says about functions, who gets which event, and the clock.


class Backoff(StrEnum):
    """How the wait grows from retry to retry."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How often and how patiently an event is delivered; delays and timeout (None: the Service's) in seconds."""

    retry: int
    policy: Backoff
    delay: float
    sink: str
    timeout: float | None = None

    def wait(self, failures: int) -> float:
        """Return the seconds to wait after the n-th failure (1, 2, ...), as Knative's dispatcher counts."""
        n = failures - 1
        return self.delay * (n if self.policy is Backoff.LINEAR else 2**n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Events whose attributes all equal those of the filter go to a Service."""

    name: str
    attributes: Mapping[str, str]
    service: str
    path: str
    delivery: Delivery

    def matches(self, attributes: Mapping[str, str]) -> bool:
        """Return whether an event with these attributes is meant."""
        return all(attributes.get(name) == value for name, value in self.attributes.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One function: its source below the project, its target, and how many requests it takes at once (0: any)."""

    name: str
    source: str
    target: str
    concurrency: int
    timeout: float
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A schedule whose every tick is an event for one Service."""

    name: str
    namespace: str
    schedule: str
    content_type: str
    data: bytes
    service: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All of it."""

    broker: str
    namespace: str
    services: tuple[Service, ...]
    triggers: tuple[Trigger, ...]
    pings: tuple[Ping, ...]

    def service(self, name: str) -> Service:
        """Return the Service with this name, which must exist."""
        return next(service for service in self.services if service.name == name)

    @property
    def sinks(self) -> tuple[str, ...]:
        """The Services that take dead letters, each once."""
        return tuple(sorted({trigger.delivery.sink for trigger in self.triggers}))


# ISO-8601 durations as Knative takes them: PT0.2S, PT1M30S, P1DT2H.

_DURATION = re.compile(
    r"^P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(text: str) -> float:
    """Return the length in seconds. Raises Rejected for anything but days, hours, minutes and seconds."""
    match = _DURATION.match(text)
    parts = {name: value for name, value in match.groupdict().items() if value} if match else {}
    if not parts:
        msg = f"{text!r} is no ISO-8601 duration such as PT0.25S, PT1M or PT2H"
        raise Rejected(msg)
    return sum(float(value) * _SECONDS[name] for name, value in parts.items())


# One resource of a manifest, read strictly: what is not understood is refused, naming file and field.


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A mapping in a manifest and the way to it, for error texts."""

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


# The `delivery` of a Broker or Trigger.

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
    if spec.text("format", "binary") != "binary":
        spec.refuse("format", "must be binary")
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


# Schedules of PingSources: minute, hour, day of month, month, day of week.

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_SUNDAY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The allowed values of each field; `by_minutes` when only the minute is narrowed down."""

    fields: tuple[frozenset[int], ...]
    any_day: bool
    any_weekday: bool
    by_minutes: bool

    def matches(self, at: datetime) -> bool:
        """Return whether the schedule ticks in this minute; day and weekday, both given, are alternatives."""
        minute, hour, day, month, weekday = self.fields
        is_day, is_weekday = at.day in day, at.isoweekday() % 7 in weekday
        by_date = is_day or is_weekday if not (self.any_day or self.any_weekday) else is_day and is_weekday
        return at.minute in minute and at.hour in hour and at.month in month and by_date


def parse(text: str) -> Schedule:
    """Return the schedule. Raises Rejected when it is none of five fields of numbers, `*`, `-`, `,` and `/`."""
    parts = text.split()
    if len(parts) != len(_RANGES):
        msg = f"schedule {text!r} must have five fields: minute hour day month weekday"
        raise Rejected(msg)
    try:
        fields = [_field(part, *limits) for part, limits in zip(parts, _RANGES, strict=True)]
    except ValueError as error:
        msg = f"schedule {text!r} cannot be read: {error}"
        raise Rejected(msg) from error
    weekday = frozenset(day % _SUNDAY for day in fields[4])
    return Schedule(
        fields=(*fields[:4], weekday),
        any_day=parts[2] == "*",
        any_weekday=parts[4] == "*",
        by_minutes=parts[1:] == ["*"] * 4,
    )


def _field(text: str, low: int, high: int) -> frozenset[int]:
    values = set[int]()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if span == "*" else int(first)
        end = high if span == "*" or (step and not last) else int(last or first)
        if not low <= start <= end <= high or (step and int(step) < 1):
            msg = f"{part!r} is not within {low}-{high}"
            raise ValueError(msg)
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)


# Reads knative/base/broker.yaml and knative/functions/*.yaml: what runs here is what is deployed there.
#
# Whatever has a meaning on a cluster that this machine would not give it is refused at start.

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
