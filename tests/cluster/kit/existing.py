"""A cluster that is there already: `CLUSTER=current` is that of KUBECONFIG, `CLUSTER=kind` one of kind's.

Nothing is installed on it: it is asked whether it has what Slipway needs, and the tests that need no more than its
API can be run there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.errors import SlipwayError
from functions.common.settings import from_environment
from tests.cluster.kit.cache import Cache
from tests.cluster.kit.parts import PARTS
from tests.cluster.kit.steps import StepError
from tests.cluster.kit.suite import API_TESTS, run_pytest

SECRET = "/api/v1/namespaces/slipway/secrets/slipway"


def check_current(cache: Cache) -> None:
    """Say what the cluster of KUBECONFIG has of what Slipway needs. Raises StepError naming what is missing."""
    del cache
    check(current_kubeconfig())
    print("  next: install Slipway on it, docs/operate.md, Install")


def test_current(cache: Cache) -> None:
    """Run there the tests that need its API and CRDs. Raises StepError."""
    run_api_tests(cache, current_kubeconfig())


def current_kubeconfig() -> str:
    """Return the kubeconfig's path, or several, as kubectl finds them."""
    return from_environment().environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def check(kubeconfig: str) -> None:
    """Print one line for each part. Raises StepError when the cluster does not answer, or lacks what is needed."""
    with _asking(kubeconfig) as (api, place):
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
    """Run there the tests that need its API and CRDs. Raises StepError, also where Slipway is installed."""
    check(kubeconfig)
    with _asking(kubeconfig) as (api, place):
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
def _asking(kubeconfig: str) -> Iterator[tuple[KubernetesApi, str]]:
    """Yield the API and what it is called; what goes wrong becomes a StepError that says so."""
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
    configuration.retries = False  # a server that does not answer is said at once
