"""The Kubernetes API of KUBECONFIG, for tests that are marked `cluster`."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi, Object
from functions.common.adapters.kubernetes.names import OWNED, OWNED_LAST, Place
from functions.common.settings import from_environment
from tests.patience import patient

_NAMESPACES = "/api/v1/namespaces"
_CONTROLLERS = f"{_NAMESPACES}/default/serviceaccounts/default"  # not their lease: one alone needs none
_GONE_SECONDS = 120
_KINDS = (*OWNED, *OWNED_LAST, "ResourceQuota", "LimitRange")


def configure(configuration: Any) -> None:  # noqa: ANN401 - the client's own
    """Configure the client as kubectl is configured."""
    from kubernetes.config import load_kube_config  # noqa: PLC0415 - only these tests need it

    file = from_environment().environment["KUBECONFIG"]
    load_kube_config(file, client_configuration=configuration)  # type: ignore[no-untyped-call] # as it ships


def real_api() -> "RealApi":
    """Return a client of the cluster that kubectl talks to."""
    return RealApi(configure=configure)


class RealApi(KubernetesApi):
    """The client, with calls that only tests make."""

    def ask(self, path: str, body: Object) -> Object:
        """Create an object whose answer is the result, such as an access review."""
        answer: Object = json.loads(self._call("POST", path, body=body) or "{}")
        return answer


class _Acting(RealApi):
    user = ""

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the client's own
        client = super()._client
        client.default_headers["Impersonate-User"] = self.user
        return client


def acting_as(user: str) -> KubernetesApi:
    """Return a client that impersonates another account."""
    acting = _Acting(configure=configure)
    acting.__dict__["user"] = user
    return acting


@contextmanager
def real_namespace(api: KubernetesApi, start: str) -> Iterator[str]:
    """Yield a new namespace, and delete it afterwards."""
    name = f"{start}-{uuid.uuid4().hex[:8]}"
    api.apply(f"{_NAMESPACES}/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    drop_namespace(api, name)


def drop_namespace(api: KubernetesApi, name: str) -> None:
    """Delete a namespace and return when it is gone; where no controllers run, finish the deletion too."""
    path = f"{_NAMESPACES}/{name}"
    api.delete(path)
    if not has_controllers(api):
        for kind in _KINDS:
            api.delete(Place(namespace=name, prefix="").collection(kind), {"app.kubernetes.io/managed-by": "slipway"})
        _finalize(path)
    until = time.monotonic() + patient(_GONE_SECONDS)
    while api.read(path):
        assert time.monotonic() < until, f"namespace {name} does not go"
        time.sleep(0.2)


def has_controllers(api: KubernetesApi) -> bool:
    """Return whether Kubernetes' own controllers run there, such as the garbage collector."""
    return api.read(_CONTROLLERS) is not None


def set_status(api: KubernetesApi, path: str, status: Object) -> None:
    """Write an object's status, as its controller would."""
    assert api.merge(f"{path}/status", {"status": status})


def _finalize(path: str) -> None:
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415 - as above

    configuration = Configuration()
    configure(configuration)
    name = path.rpartition("/")[2]
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}}
    client = ApiClient(configuration)
    request = client.param_serialize("PUT", f"{path}/finalize", body=body, auth_settings=["BearerToken"])
    client.call_api(*request).read()  # type: ignore[no-untyped-call] # as above
