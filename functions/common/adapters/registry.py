"""ImageStore and ImageResolver of a registry with the OCI distribution API, such as Zot, Harbor or Distribution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from werkzeug.datastructures import WWWAuthenticate

from functions.common.adapters.http_client import Answer, HttpClient, text
from functions.common.domain.build import is_digest
from functions.common.domain.declared import Declared
from functions.common.errors import Rejected

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


class NoDeclarations:
    """DeclaredImages of a cluster, whose builds do not pass on app.json."""

    def declared(self, digest: str) -> Declared:  # noqa: ARG002 - none is known
        """Return nothing; see DeclaredImages."""
        return Declared()


_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"^(?:(?P<host>localhost|[A-Za-z0-9.-]+\.[A-Za-z0-9.-]+|[A-Za-z0-9.-]+:[0-9]+|localhost:[0-9]+)/)?"
    rf"(?P<name>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)
_MAX_REFERENCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImages:
    """ImageStore and ImageResolver; `registry` is HOST[:PORT][/PATH] as in the names of images, `url` its HTTP URL.

    `others` are further registries whose images may be deployed, host -> URL; they are read without a user, and nothing
    is deleted there.
    """

    registry: str
    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    others: Mapping[str, str] = field(default_factory=dict)

    def has(self, reference: str, digest: str) -> bool:
        """Return whether the image exists; see ImageStore."""
        if not is_digest(digest):
            return False
        answer = self._call("HEAD", reference, digest)
        return answer is not None and answer.headers.get("docker-content-digest", digest) == digest

    def is_of(self, app: str, reference: str) -> bool:
        """Return whether this is REGISTRY/APP; see ImageStore."""
        return bool(app) and self.app_of(reference) == app

    def delete(self, reference: str, digest: str) -> None:
        """Delete the image's manifest; see ImageStore. The registry's garbage collection then deletes its layers."""
        if is_digest(digest) and self._other(reference) is None:
            self._call("DELETE", reference, digest)

    def resolve(self, reference: str) -> tuple[str, str]:
        """Return name and digest of an image; see ImageResolver."""
        if is_digest(reference):
            msg = f"image: no build of yours made {reference}: give HOST/NAME@DIGEST, or one of `paas releases --json`"
            raise Rejected(msg)
        found = _REFERENCE.match(reference) if len(reference) <= _MAX_REFERENCE else None
        if found is None:
            msg = f"image: {reference[:100]!r} is not a reference of an image: give HOST/NAME:TAG or HOST/NAME@DIGEST"
            raise Rejected(msg)
        host, own = found["host"], self.registry.partition("/")[0]
        if host and host not in {own, *self.others}:
            known = ", ".join((own, *self.others))
            msg = f"image: the registry {host} is not allowed here, only {known}: SLIPWAY_IMAGE_REGISTRIES has others"
            raise Rejected(msg)
        name = f"{host}/{found['name']}" if host else f"{self.registry}/{found['name']}"
        wanted = found["digest"] or found["tag"] or "latest"
        answer = self._call("HEAD", name, wanted)
        digest = answer.headers.get("docker-content-digest", "") if answer else ""
        if answer is None or not is_digest(digest):
            msg = f"image: the registry has no {name}, or not as {wanted}: push it there first"
            raise Rejected(msg)
        return name, digest

    def app_of(self, name: str) -> str | None:
        """Return the last part of REGISTRY/APP, which is where builds push; see ImageResolver."""
        app = name.removeprefix(f"{self.registry.rstrip('/')}/")
        return None if app == name or "/" in app else app

    def _other(self, reference: str) -> str | None:
        host = reference.partition("/")[0]
        return host if host in self.others and host != self.registry.partition("/")[0] else None

    def _call(self, method: str, reference: str, wanted: str) -> Answer | None:
        """Return the answer about a digest or tag, None when there is no such manifest."""
        client, name = self._client(reference)
        path = f"/v2/{name.strip('/')}/manifests/{wanted}"
        answer = client.call(method, path)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._other(reference):
            answer = _with_token(client, answer).call(method, path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            raise client.refusal(answer, reference)
        return answer

    def _client(self, reference: str) -> tuple[HttpClient, str]:
        """Return the client of an image's registry, and the image's name there."""
        headers = {"Accept": _MEDIA_TYPES}
        if other := self._other(reference):
            client = HttpClient(service=f"the registry {other}", url=self.others[other], headers=headers)
            return client, reference.removeprefix(f"{other}/")
        host, _, base = self.registry.partition("/")
        name = reference.removeprefix(f"{host}/") if reference.startswith(f"{host}/") else f"{base}/{reference}"
        client = HttpClient(
            service=f"the registry {self.registry}",
            url=self.url,
            headers=headers,
            auth=(self.user, self.password) if self.user else None,
            remedies=_REMEDIES,
        )
        return client, name


def _with_token(client: HttpClient, refused: Answer) -> HttpClient:
    """Return the client with the anonymous token that the registry's answer names. Raises Rejected without one."""
    asked = WWWAuthenticate.from_header(refused.headers.get("www-authenticate", ""))
    realm = str(asked.get("realm") or "") if asked and asked.type == "bearer" else ""
    if not realm.startswith(("https://", f"{client.url}/")):
        raise client.refusal(refused, "an image")
    query = {name: str(asked.get(name)) for name in ("service", "scope") if asked and asked.get(name)}
    answer = HttpClient(service=client.service, url=realm).call("GET", "", query=query)
    if not answer.is_success:
        raise client.refusal(answer, "an image")
    found = answer.object()
    token = text(found.get("token") or found.get("access_token"))
    return replace(client, headers={**client.headers, "Authorization": f"Bearer {token}"})
