"""The routing table of one machine: Services, Triggers, delivery rules and PingSources, as knative/ says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    """A PingSource: each tick of its schedule, of five fields in UTC, is an event for one Service."""

    name: str
    namespace: str
    schedule: str
    content_type: str
    data: bytes
    service: str
    path: str

    @property
    def names_minutes_only(self) -> bool:
        """Whether the schedule ticks in every hour of every day."""
        return self.schedule.split()[1:] == ["*"] * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The whole table."""

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
