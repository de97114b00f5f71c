"""ImageStore of a registry with the OCI distribution API, such as Zot, Harbor or Distribution."""

from dataclasses import dataclass, field
from http import HTTPStatus

from functions.common.adapters.http_client import Answer, HttpClient
from functions.common.domain.build import is_digest

_ACCESS = "set REGISTRY_USER and REGISTRY_PASSWORD"
_REMEDIES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: _ACCESS,
    HTTPStatus.FORBIDDEN: _ACCESS,
    HTTPStatus.METHOD_NOT_ALLOWED: "allow deletion in the registry, or set SLIPWAY_KEEP_RELEASES=0",
}
_MEDIA_TYPES = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImages:
    """ImageStore; `registry` is HOST[:PORT][/PATH] as in the names of images, `url` is its HTTP URL."""

    registry: str
    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image exists; see ImageStore."""
        if not is_digest(digest):
            return False
        answer = self._call("HEAD", reference, digest)
        return answer is not None and answer.headers.get("docker-content-digest", digest) == digest

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image's manifest; see ImageStore. The registry's garbage collection then deletes its layers."""
        if is_digest(digest):
            self._call("DELETE", reference, digest)

    def _call(self, method: str, reference: str, digest: str) -> Answer | None:
        """Return the answer, None when there is no such manifest."""
        host, _, base = self.registry.partition("/")
        name = reference.removeprefix(f"{host}/") if reference.startswith(f"{host}/") else f"{base}/{reference}"
        client = HttpClient(
            service=f"the registry {self.registry}",
            url=self.url,
            headers={"Accept": _MEDIA_TYPES},
            auth=(self.user, self.password) if self.user else None,
            remedies=_REMEDIES,
        )
        answer = client.call(method, f"/v2/{name.strip('/')}/manifests/{digest}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            raise client.refusal(answer, reference)
        return answer
