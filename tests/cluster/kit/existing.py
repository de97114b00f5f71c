"""A cluster that exists already: `CLUSTER=current` is the one of KUBECONFIG, `CLUSTER=kind` one made by kind.

Nothing is installed on it. It is checked for what Slipway needs (docs/operate.md, What it needs), and the tests that
need its API alone can run there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.errors import SlipwayError
from functions.common.settings import from_environment
from tests.cluster.kit.cache import Cache
from tests.cluster.kit.steps import StepError
from tests.cluster.kit.suite import API_TESTS, run_pytest

SECRET = "/api/v1/namespaces/slipway/secrets/slipway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A requirement, recognised by the resources that it serves; with `unless` it is optional."""

    name: str
    serves: dict[str, tuple[str, ...]]
    install: str
    unless: str = ""

    def lacking(self, api: KubernetesApi) -> list[str]:
        """Return the resources that the cluster does not serve. Raises Unavailable or Rejected."""
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


def check_current(cache: Cache) -> None:
    """Print what the cluster of KUBECONFIG has of what Slipway needs. Raises StepError naming what is missing."""
    del cache
    check(current_kubeconfig())
    print("  next: install Slipway on it, docs/operate.md, Install")


def test_current(cache: Cache) -> None:
    """Run the tests that need its API and CRDs. Raises StepError."""
    run_api_tests(cache, current_kubeconfig())


def current_kubeconfig() -> str:
    """Return the kubeconfig's path, or several, as kubectl finds them."""
    return from_environment().environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def check(kubeconfig: str) -> None:
    """Print one line for each part. Raises StepError when the cluster does not answer, or lacks what is needed."""
    with _connected(kubeconfig) as (api, place):
        version = (api.read("/version") or {}).get("gitVersion")
        if not version:
            msg = f"what answers at {place} is no Kubernetes API: choose another by KUBECONFIG or its context"
            raise StepError(msg)
        print(f"  Kubernetes {version} of {place}")
        missing = list[str]()
        for part in PARTS:
            lacking = ", ".join(part.lacking(api))
            if not lacking:
                print(f"  {part}")
            elif part.unless:
                print(f"  warning: {part.name} is missing ({lacking}), and needed unless {part.unless}: {part.install}")
            else:
                missing.append(f"  {part.name} is missing ({lacking}): {part.install}")
    if missing:
        raise StepError(
            "\n".join(["this cluster lacks what Slipway needs (docs/operate.md, What it needs):", *missing])
        )


def run_api_tests(cache: Cache, kubeconfig: str) -> None:
    """Run the tests that need its API and CRDs. Raises StepError, also when Slipway is installed there."""
    check(kubeconfig)
    with _connected(kubeconfig) as (api, place):
        if api.read(SECRET) is not None:
            msg = f"Slipway is installed at {place}, and these tests would overwrite it: choose a cluster without it"
            raise StepError(msg)
    print("  left out: the tests marked live, gitea and durable, which need the cluster that CLUSTER=own builds")
    print("  the tests write as controllers do, so they fail where some run; they leave the overlay `trial` behind")
    run_pytest(cache, {"KUBECONFIG": kubeconfig}, *API_TESTS)


def refusal(why: str) -> Callable[[Cache], None]:
    """Return an action that raises StepError with the reason."""

    def refuse(cache: Cache) -> None:
        del cache
        raise StepError(why)

    return refuse


@contextmanager
def _connected(kubeconfig: str) -> Iterator[tuple[KubernetesApi, str]]:
    """Yield the API and its description. Raises StepError for its errors."""
    place = _place(kubeconfig)
    try:
        yield KubernetesApi(configure=lambda configuration: _configure(kubeconfig, configuration)), place
    except SlipwayError as error:
        msg = f"{place}: {error}; start it, log in to it, or choose another by KUBECONFIG or its context"
        raise StepError(msg) from error


def _place(kubeconfig: str) -> str:
    from kubernetes.client import Configuration  # noqa: PLC0415 - only this needs it
    from kubernetes.config import ConfigException, list_kube_config_contexts  # noqa: PLC0415 - as above

    try:
        configuration = Configuration()
        _configure(kubeconfig, configuration)
        context: Object = list_kube_config_contexts(kubeconfig)[1]  # type: ignore[no-untyped-call] # as it ships
    except (ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError) as error:
        said = " ".join(str(error).split())
        msg = f"{kubeconfig} is no kubeconfig that can be used: {said}; set KUBECONFIG, or its current context"
        raise StepError(msg) from error
    return f"{kubeconfig}, context {context['name']}, {configuration.host}"


def _configure(kubeconfig: str, configuration: Any) -> None:  # noqa: ANN401 - the client's own
    from kubernetes.config import load_kube_config  # noqa: PLC0415 - only this needs it

    load_kube_config(kubeconfig, client_configuration=configuration)  # type: ignore[no-untyped-call] # as it ships
    configuration.retries = False  # report a server that does not answer at once
