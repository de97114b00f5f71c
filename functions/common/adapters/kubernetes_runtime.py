"""How apps run in a cluster: what the settings say about kinds, sizes and the way in."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What runs an app's web process."""

    DEPLOYMENT = "deployment"
    ROLLOUT = "rollout"
    KNATIVE = "knative"


class Entrance(StrEnum):
    """What leads requests to apps."""

    GATEWAY = "gateway"
    INGRESS = "ingress"


class Traffic(StrEnum):
    """What moves a Rollout's traffic: the number of pods, or weights of the HTTPRoute (Argo's Gateway API plugin)."""

    REPLICAS = "replicas"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """`kinds` are those of single apps; times in seconds; `gateway` is NAMESPACE/NAME.

    `pull_secret` is the Secret of the registry in apps' namespaces; `wildcard` the Secret with the default
    domain's certificate, where it is in the same namespace.
    """

    shared_namespace: str = ""
    kind: Kind = Kind.ROLLOUT
    kinds: dict[str, Kind] = field(default_factory=dict)
    replicas: int = 2
    cpu: str = "50m"
    memory: str = "128Mi"
    memory_limit: str = "512Mi"
    quota_cpu: str = "4"
    quota_memory: str = "8Gi"
    pause: int = 30
    health_limit: int = 120
    release_limit: int = 600
    entrance: Entrance = Entrance.GATEWAY
    gateway: str = "slipway-edge/slipway"
    ingress_class: str = ""
    default_domain: str = ""
    wildcard_secret: str = ""
    traffic: Traffic = Traffic.REPLICAS
    pull_secret: str = ""

    def kind_of(self, app: str) -> Kind:
        """Return what is to run an app that runs nowhere yet."""
        return self.kinds.get(app, self.kind)
