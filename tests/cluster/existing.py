"""A cluster that is there already: `CLUSTER=current` is that of KUBECONFIG, `CLUSTER=kind` one of kind's.

Nothing is installed on it: it is asked whether it has what Slipway needs, and the tests that need no more than its
API can be run there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from functions.common.adapters.kubernetes_api import KubernetesApi, Object
from functions.common.errors import SlipwayError
from functions.common.settings import from_environment
from tests.cluster.cache import Cache
from tests.cluster.steps import StepError
from tests.cluster.suite import run_pytest

API_TESTS = ("-m", "cluster", "--ignore=tests/cluster")
NEXT = "install Slipway by docs/operate.md, then run `task cluster:test` with the same CLUSTER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What Slipway runs on, known by one resource that it serves; `unless` says when it can be done without."""

    name: str
    group: str
    resource: str
    unless: str = ""


PARTS = (
    Part(name="Knative Serving", group="serving.knative.dev/v1", resource="services"),
    Part(name="Knative Serving's DomainMapping", group="serving.knative.dev/v1beta1", resource="domainmappings"),
    Part(name="Knative Eventing", group="eventing.knative.dev/v1", resource="triggers"),
    Part(name="Knative Eventing's sources", group="sources.knative.dev/v1", resource="apiserversources"),
    Part(name="Tekton Pipelines", group="tekton.dev/v1", resource="pipelineruns"),
    Part(name="cert-manager", group="cert-manager.io/v1", resource="certificates"),
    Part(
        name="Gateway API",
        group="gateway.networking.k8s.io/v1",
        resource="httproutes",
        unless="SLIPWAY_ENTRANCE is `ingress`",
    ),
    Part(
        name="Argo Rollouts",
        group="argoproj.io/v1alpha1",
        resource="rollouts",
        unless="SLIPWAY_DEPLOY_KIND is `deployment` or `knative`",
    ),
)


def check_current(cache: Cache) -> None:
    """Say what the cluster of KUBECONFIG has of what Slipway needs. Raises StepError naming what is missing."""
    del cache
    check(Path(current_kubeconfig()))


def test_current(cache: Cache) -> None:
    """Run there the tests that need its API and CRDs. Raises StepError."""
    test_existing(cache, Path(current_kubeconfig()))


def current_kubeconfig() -> str:
    """Return the kubeconfig's path, as kubectl finds it."""
    return from_environment().optional("KUBECONFIG", str(Path.home() / ".kube" / "config"))


def check(kubeconfig: Path) -> None:
    """Print one line for each part. Raises StepError when the cluster does not answer, or lacks what is needed."""
    api = KubernetesApi(configure=partial(_configure, kubeconfig))
    version = _asked(kubeconfig, lambda: api.read("/version"))
    print(f"  Kubernetes {version.get('gitVersion', '')} of {kubeconfig}")
    missing = list[str]()
    for part in PARTS:
        served = _asked(kubeconfig, partial(api.read, f"/apis/{part.group}"))
        if any(one["name"] == part.resource for one in served.get("resources", [])):
            print(f"  {part.name}: {part.resource}.{part.group}")
        elif part.unless:
            print(f"  {part.name}: not there, and needed unless {part.unless}")
        else:
            missing.append(f"{part.name} ({part.resource}.{part.group})")
    if missing:
        msg = f"this cluster has no {', no '.join(missing)}: install what is missing (docs/operate.md, What it needs)"
        raise StepError(msg)
    print(f"  next: {NEXT}")


def test_existing(cache: Cache, kubeconfig: Path) -> None:
    """Run there the tests that need its API and CRDs. Raises StepError."""
    check(kubeconfig)
    print("  left out: the tests marked live, which need the forge, registry and authority of `task cluster:up`")
    run_pytest(cache, {"KUBECONFIG": str(kubeconfig)}, *API_TESTS)


def refuse(cache: Cache) -> None:
    """Raise StepError: this is for the cluster that is built here."""
    del cache
    msg = "this is for the cluster that `task cluster:up` builds: with your own there are `up` and `test` alone"
    raise StepError(msg)


def _asked(kubeconfig: Path, ask: Callable[[], Object | None]) -> Object:
    try:
        return ask() or {}
    except SlipwayError as error:
        msg = f"the cluster of {kubeconfig} does not answer as it should: {error}: check KUBECONFIG and its context"
        raise StepError(msg) from error


def _configure(kubeconfig: Path, configuration: Any) -> None:  # noqa: ANN401 - the client's own
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415 - only this needs it

    try:
        load_kube_config(str(kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call] # as it ships
    except ConfigException as error:
        msg = f"{kubeconfig} is no kubeconfig that can be used: {error}: set KUBECONFIG"
        raise StepError(msg) from error
