"""Where an environment's objects are: in a namespace of its own, or with all others in one."""

from dataclasses import dataclass

from functions.common.adapters.kubernetes_labels import LABEL_LIMIT, dns_label, namespace_of
from functions.common.domain.environment import PRODUCTION

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
# What an environment has in a shared namespace; in one of its own all of it goes with the namespace.
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
EVERYWHERE = (
    "/apis/apps/v1/deployments",
    "/apis/argoproj.io/v1alpha1/rollouts",
    "/apis/serving.knative.dev/v1/services",
)
NAMESPACES = "/api/v1/namespaces"
_NAME_ROOM = LABEL_LIMIT - len("-release-0000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A namespace, and what an environment's names begin with there."""

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
    """Return the environment's place; `shared` is the namespace of all, empty for one each."""
    if not shared:
        return Place(namespace=namespace_of(app, environment), prefix="")
    base = app if environment == PRODUCTION else f"{app}--{environment}"
    return Place(namespace=shared, prefix=f"{dns_label(base, limit=_NAME_ROOM)}-")
