"""ImageStore of a registry that speaks the OCI distribution API, such as Zot, Harbor or Distribution."""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.common.adapters.http_client import trust
from functions.common.adapters.lazy import lazy
from functions.common.errors import Rejected, Unavailable

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy("httpx")

TIMEOUT_SECONDS = 5.0
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")
_KINDS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImages:
    """ImageStore; `registry` is HOST[:PORT][/PATH] as images are named, `url` how it is reached by HTTP."""

    registry: str
    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image is there; see ImageStore."""
        if not _DIGEST.match(digest):
            return False
        answer = self._call("HEAD", reference, digest)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False
        self._check(answer, reference)
        told = answer.headers.get("docker-content-digest", digest)
        return bool(told == digest)

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image's manifest; see ImageStore. Its layers go with the registry's garbage collection."""
        if not _DIGEST.match(digest):
            return
        answer = self._call("DELETE", reference, digest)
        if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            msg = f"the registry {self.registry} deletes nothing: allow deletion, or set SLIPWAY_KEEP_RELEASES=0"
            raise Rejected(msg)
        if answer.status_code != HTTPStatus.NOT_FOUND:
            self._check(answer, reference)

    def _call(self, method: str, reference: str, digest: str) -> "httpx.Response":
        host, _, base = self.registry.partition("/")
        name = reference.removeprefix(f"{host}/") if reference.startswith(f"{host}/") else f"{base}/{reference}"
        path = f"{self.url.rstrip('/')}/v2/{name.strip('/')}/manifests/{digest}"
        access = httpx.BasicAuth(self.user, self.password) if self.user else None
        try:
            return httpx.request(
                method, path, headers={"Accept": _KINDS}, auth=access, timeout=TIMEOUT_SECONDS, verify=trust(path)
            )
        except httpx.HTTPError as error:
            msg = f"the registry {self.registry} does not answer: {type(error).__name__}"
            raise Unavailable(msg) from error

    def _check(self, answer: "httpx.Response", reference: str) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            msg = f"the registry {self.registry} answers {status} for {reference}; it is tried again"
            raise Unavailable(msg)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            msg = f"the registry answers {status} for {reference}: set REGISTRY_USER and REGISTRY_PASSWORD"
            raise Rejected(msg)
        msg = f"the registry refuses {reference} with {status}"
        raise Rejected(msg)
