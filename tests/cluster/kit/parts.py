"""What Slipway needs of a cluster, and how that is seen: docs/operate.md, What it needs."""

from dataclasses import dataclass

from functions.common.adapters.kubernetes.api import KubernetesApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to install, known by the resources that it serves, by group and version; `unless` makes it a choice."""

    name: str
    serves: dict[str, tuple[str, ...]]
    install: str
    unless: str = ""

    def lacking(self, api: KubernetesApi) -> list[str]:
        """Return what the cluster does not serve of it. Raises Unavailable or Rejected."""
        return [
            f"{version} {resource}"
            for version, resources in self.serves.items()
            for served in [api.read(f"/apis/{version}") or {}]
            for resource in resources
            if resource not in {one["name"] for one in served.get("resources") or []}
        ]

    def __str__(self) -> str:
        """Return its name, and the versions that Slipway uses."""
        served = "; ".join(f"{version} {', '.join(resources)}" for version, resources in self.serves.items())
        return f"{self.name}: {served}"


PARTS = (
    Part(
        name="Kubernetes 1.30",
        serves={"admissionregistration.k8s.io/v1": ("validatingadmissionpolicies",)},
        install="upgrade the cluster to 1.30 or newer",
    ),
    Part(
        name="Knative Serving",
        serves={"serving.knative.dev/v1": ("services",), "serving.knative.dev/v1beta1": ("domainmappings",)},
        install="install Knative Serving with Kourier, https://knative.dev/docs/install",
    ),
    Part(
        name="Knative Eventing",
        serves={
            "eventing.knative.dev/v1": ("brokers", "triggers"),
            "eventing.knative.dev/v1beta2": ("eventtypes",),
            "sources.knative.dev/v1": ("apiserversources", "pingsources", "sinkbindings"),
        },
        install="install Knative Eventing and the broker that you choose, https://knative.dev/docs/install",
    ),
    Part(
        name="Tekton Pipelines",
        serves={"tekton.dev/v1": ("pipelineruns", "pipelines", "tasks")},
        install="install Tekton Pipelines with its events controller, https://tekton.dev/docs/installation/pipelines",
    ),
    Part(
        name="cert-manager",
        serves={"cert-manager.io/v1": ("certificates", "clusterissuers")},
        install="install cert-manager and make an issuer with DNS-01, https://cert-manager.io/docs/installation",
    ),
    Part(
        name="Gateway API",
        serves={
            "gateway.networking.k8s.io/v1": ("gateways", "httproutes"),
            "gateway.networking.k8s.io/v1beta1": ("referencegrants",),
        },
        install="install a controller and its CRDs, https://gateway-api.sigs.k8s.io/guides",
        unless="SLIPWAY_ENTRANCE is `ingress` (SLIPWAY_TRAFFIC=gateway needs it)",
    ),
    Part(
        name="Gateway API's ListenerSet",
        serves={"gateway.networking.k8s.io/v1": ("listenersets",)},
        install="install Gateway API's CRDs that have it in v1, and a controller that knows it",
        unless="SLIPWAY_ENTRANCE is `ingress`, or no app gets a domain of its own",
    ),
    Part(
        name="Argo Rollouts",
        serves={"argoproj.io/v1alpha1": ("rollouts", "analysistemplates")},
        install="install it for canaries, https://argo-rollouts.readthedocs.io/en/stable/installation",
        unless="SLIPWAY_DEPLOY_KIND is `deployment` or `knative`",
    ),
)
