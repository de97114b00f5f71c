"""The Kubernetes API by paths, over the official client's ApiClient alone.

The client's typed APIs cost another half second of import, its dynamic client two more round trips;
all paths are known here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from functions.common.adapters.kubernetes.refusals import MISSING, check
from functions.common.adapters.lazy import lazy, run_soon
from functions.common.errors import Unavailable

if TYPE_CHECKING:
    import urllib3.exceptions as urllib3_exceptions
    from kubernetes import client as kubernetes_client
    from kubernetes import config as kubernetes_config
else:  # a quarter of a second
    kubernetes_client = lazy("kubernetes.client")
    kubernetes_config = lazy("kubernetes.config")
    urllib3_exceptions = lazy("urllib3.exceptions")

MANAGER = "slipway"
TIMEOUT_SECONDS = (3, 10)
APPLY, MERGE, JSON = "application/apply-patch+yaml", "application/merge-patch+json", "application/json"
Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class KubernetesApi:
    """One API server. `configure` fills the client's configuration at the first call, see in_cluster.

    Every method raises Unavailable when the same call may succeed later, and Rejected when it never will.
    """

    configure: Callable[["kubernetes_client.Configuration"], None] = field(repr=False)

    def apply(self, path: str, body: Object) -> Object:
        """Apply the object at its path, taking over the fields of other managers; return the result.

        Server-side apply. With a resourceVersion in the body it is applied to exactly that version, else Unavailable.
        """
        query = {"fieldManager": MANAGER, "force": "true"}
        return _object(self._call("PATCH", path, query=query, body=body, kind=APPLY))

    def create(self, path: str, body: Object) -> bool:
        """Create the object in the collection at `path`; False when its name is taken."""
        return self._call("POST", path, query={"fieldManager": MANAGER}, body=body, allow={409}) is not None

    def merge(self, path: str, body: Object) -> bool:
        """Change some fields; False when there is no such object. Uses a resourceVersion as apply does."""
        query = {"fieldManager": MANAGER}
        return self._call("PATCH", path, query=query, body=body, kind=MERGE, allow=MISSING) is not None

    def read(self, path: str) -> Object | None:
        """Return the object, or None when there is none."""
        text = self._call("GET", path, allow=MISSING)
        return None if text is None else _object(text)

    def items(self, path: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects of a collection that have the labels."""
        text = self._call("GET", path, query={"labelSelector": selector(labels)}, allow=MISSING)
        return [] if text is None else list(_object(text).get("items") or [])

    def delete(self, path: str, labels: Mapping[str, str] | None = None) -> None:
        """Delete the object, or the collection's objects with the labels; nothing to delete is not an error."""
        query = {"propagationPolicy": "Background"}
        if labels:
            query["labelSelector"] = selector(labels)
        self._call("DELETE", path, query=query, allow=MISSING)

    def delete_foreground(self, path: str, *, uid: str) -> None:
        """Delete the object after all that it owns. Raises Unavailable when it has another uid."""
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        self._call("DELETE", path, body=body, allow=MISSING)

    def text(self, path: str, query: Mapping[str, str]) -> str | None:
        """Return a text resource such as a log; None when it does not exist (yet)."""
        return self._call("GET", path, query=query, allow=MISSING | {400})

    def open_ahead(self) -> None:
        """Connect in the background: the first call finds a connection, or reports the error."""
        run_soon(partial(self._call, "GET", "/version"))

    @cached_property
    def _client(self) -> "kubernetes_client.ApiClient":
        configuration = kubernetes_client.Configuration()
        self.configure(configuration)
        return kubernetes_client.ApiClient(configuration)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        kind: str = JSON,
        allow: frozenset[int] | set[int] = frozenset(),
    ) -> str | None:
        """Return the text of the answer, or None for a status in `allow`."""
        request = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Content-Type": kind, "Accept": "application/json, */*"},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
            text = (answer.read() or b"").decode(errors="replace")  # type: ignore[no-untyped-call] # the client has none
        except (urllib3_exceptions.HTTPError, OSError) as error:
            msg = f"the Kubernetes API does not answer ({method} {path}): {type(error).__name__}"
            raise Unavailable(msg) from error
        if answer.status in allow:
            return None
        check(answer.status, text, f"{method} {path}")
        return text


def selector(labels: Mapping[str, str]) -> str:
    """Return labels as a selector."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def in_cluster(configuration: "kubernetes_client.Configuration") -> None:
    """Configure the client as a pod's own account; the client reads its token again each minute."""
    try:
        kubernetes_config.load_incluster_config(configuration)  # type: ignore[no-untyped-call] # the client ships no types for it
    except kubernetes_config.ConfigException as error:
        msg = "there is no Kubernetes API here: run in a pod whose account has a token, or set SLIPWAY_PLATFORM"
        raise Unavailable(msg) from error


def _object(text: str | None) -> Object:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}
