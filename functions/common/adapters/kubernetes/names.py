"""Names, labels and namespaces of Slipway's objects in a cluster, and the settings of workloads."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from functions.common.domain.environment import PRODUCTION

# Labels are used in selectors, annotations are only read. Every report of an object contains both.

APP, ENVIRONMENT, PROCESS = "slipway.dev/app", "slipway.dev/environment", "slipway.dev/process"
RELEASE, PUSH = "slipway.dev/release", "slipway.dev/push"
MANAGED = "app.kubernetes.io/managed-by"
MANAGER = "slipway"
LABEL_LIMIT = 63


def dns_label(text: str, *, limit: int = LABEL_LIMIT) -> str:
    """Return the text, shortened with a digest when it is longer than the limit."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}-{digest}"


def namespace_of(app: str, environment: str) -> str:
    """Return the environment's namespace; it is unique, because names of apps do not contain `--`."""
    return dns_label(f"app-{app}" if environment == PRODUCTION else f"app-{app}--{environment}")


def labels_of(app: str, environment: str, process: str = "") -> dict[str, str]:
    """Return the labels of an environment's objects, or of one process type's."""
    labels = {MANAGED: MANAGER, APP: app, ENVIRONMENT: dns_label(environment)}
    return {**labels, PROCESS: process} if process else labels


def selected_by(app: str, environment: str, process: str) -> dict[str, str]:
    """Return the selector of a process type's pods. Never change it: selectors are immutable."""
    return {APP: app, ENVIRONMENT: dns_label(environment), PROCESS: process}


def annotation(found: Mapping[str, Any], name: str) -> str:
    """Return an annotation of an object or a pod template, empty when it is missing."""
    return str(((found.get("metadata") or {}).get("annotations") or {}).get(name, ""))


_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # of a DNS subdomain


def is_name(text: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether this is the name of an object, and no path."""
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def has_uid_of(metadata: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether an object is the one whose metadata an event has, and not a later one of its name."""
    return (found.get("metadata") or {}).get("uid") == metadata.get("uid")


_KINDS = {
    "Secret": "/api/v1/namespaces/{0}/secrets",
    "Service": "/api/v1/namespaces/{0}/services",
    "ServiceAccount": "/api/v1/namespaces/{0}/serviceaccounts",
    "ResourceQuota": "/api/v1/namespaces/{0}/resourcequotas",
    "LimitRange": "/api/v1/namespaces/{0}/limitranges",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{0}/networkpolicies",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{0}/ingresses",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{0}/httproutes",
    "Job": "/apis/batch/v1/namespaces/{0}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{0}/deployments",
    "AnalysisTemplate": "/apis/argoproj.io/v1alpha1/namespaces/{0}/analysistemplates",
    "Rollout": "/apis/argoproj.io/v1alpha1/namespaces/{0}/rollouts",
    "KnativeService": "/apis/serving.knative.dev/v1/namespaces/{0}/services",
    "DomainMapping": "/apis/serving.knative.dev/v1beta1/namespaces/{0}/domainmappings",
}
# An environment's objects in a shared namespace. An own namespace is deleted as a whole.
OWNED = (
    "HTTPRoute",
    "Ingress",
    "DomainMapping",
    "KnativeService",
    "Rollout",
    "Deployment",
    "Job",
    "Service",
    "AnalysisTemplate",
)
OWNED_LAST = ("NetworkPolicy", "ServiceAccount", "Secret")
WORKLOADS = (
    "/apis/apps/v1/deployments",
    "/apis/argoproj.io/v1alpha1/rollouts",
    "/apis/serving.knative.dev/v1/services",
)
NAMESPACES = "/api/v1/namespaces"
_NAME_ROOM = LABEL_LIMIT - len("-release-0000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The namespace of an environment, and the prefix of its objects' names there."""

    namespace: str
    prefix: str

    def name(self, name: str) -> str:
        """Return the object's name."""
        return dns_label(f"{self.prefix}{name}")

    def collection(self, kind: str) -> str:
        """Return the path of all objects of a kind."""
        return _KINDS[kind].format(self.namespace)

    def path(self, kind: str, name: str) -> str:
        """Return the path of one of the environment's objects."""
        return f"{self.collection(kind)}/{self.name(name)}"


def place_of(app: str, environment: str, *, shared: str = "") -> Place:
    """Return the environment's place; `shared` is the common namespace, empty when each environment has its own."""
    if not shared:
        return Place(namespace=namespace_of(app, environment), prefix="")
    base = app if environment == PRODUCTION else f"{app}--{environment}"
    return Place(namespace=shared, prefix=f"{dns_label(base, limit=_NAME_ROOM)}-")


class Kind(StrEnum):
    """The kind of workload that runs an app's web process."""

    DEPLOYMENT = "deployment"
    ROLLOUT = "rollout"
    KNATIVE = "knative"


class Entrance(StrEnum):
    """What routes requests to apps."""

    GATEWAY = "gateway"
    INGRESS = "ingress"


class Traffic(StrEnum):
    """What shifts a Rollout's traffic: pod counts, or weights of the HTTPRoute (Argo's Gateway API plugin)."""

    REPLICAS = "replicas"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The settings of workloads. `kinds` are those of single apps; times are in seconds; `gateway` is NAMESPACE/NAME,
    `gateway_section` its listener for apps, all of them when it is empty; `hsts` is 0 to leave that header to apps.

    `callers` are the namespaces that may call apps, else all of no app but `no_callers`; the networks of
    `egress_denied` are not reached from apps, unless they are of `egress_allowed`.
    `pull_secret` is the registry's Secret in apps' namespaces. `wildcard_secret` is the Secret with the default
    domain's certificate, when it is in the same namespace.
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
    gateway_section: str = "apps"
    hsts: int = 0
    ingress_class: str = ""
    default_domain: str = ""
    wildcard_secret: str = ""
    traffic: Traffic = Traffic.REPLICAS
    pull_secret: str = ""
    callers: tuple[str, ...] = ()
    no_callers: tuple[str, ...] = ("default", "slipway-builds")
    egress_denied: tuple[str, ...] = ()
    egress_allowed: tuple[str, ...] = ()

    def kind_of(self, app: str) -> Kind:
        """Return the kind of a new app's workload."""
        return self.kinds.get(app, self.kind)


WILDCARD = "tls-wildcard"


def secret_of(host: str) -> str:
    """Return the name of a host's own Certificate, Secret and listeners."""
    return f"tls-{host}"
