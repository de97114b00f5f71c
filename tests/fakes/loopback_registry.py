"""The manifests of an OCI registry on this machine, with the answers of the distribution specification."""

import hashlib
import re

from tests.fakes.loopback import Call, Reply

_MANIFEST = re.compile(r"^/v2/(.+)/manifests/([^/]+)$")
_UNKNOWN = Reply(status=404, body={"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})


_SCOPE = "repository:team/web:pull"


class LoopbackRegistry:
    """`manifests` are (name, digest), `tags` (name, tag) -> digest; `failures` are statuses answered first.

    `deletes` whether it allows deletion; `token` is what its token service gives to everybody, if it needs one.
    """

    def __init__(self) -> None:
        self.manifests: set[tuple[str, str]] = set()
        self.failures: list[int] = []
        self.tags: dict[tuple[str, str], str] = {}
        self.deletes = True
        self.token = ""
        self.realm = ""

    def put(self, name: str) -> str:
        """Store some manifest and return its digest."""
        digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        self.manifests.add((name, digest))
        return digest

    def answer(self, call: Call) -> Reply:
        """Answer a call below /v2."""
        match = _MANIFEST.match(call.path)
        if self.token and (asked := self._token_service(call)):
            return asked
        if self.failures:
            return Reply(status=self.failures.pop(0))
        if match is None or (digest := self._digest(match[1], match[2])) is None:
            return _UNKNOWN
        if call.method == "DELETE":
            if not self.deletes:
                return Reply(status=405, body={"errors": [{"code": "UNSUPPORTED"}]})
            self.manifests.remove((match[1], match[2]))
            return Reply(status=202)
        assert "application/vnd.oci.image.index.v1+json" in call.headers["accept"]
        return Reply(status=200, headers={"Docker-Content-Digest": digest})

    def _digest(self, name: str, wanted: str) -> str | None:
        return wanted if (name, wanted) in self.manifests else self.tags.get((name, wanted))

    def _token_service(self, call: Call) -> Reply | None:
        """Answer as a registry that gives tokens for pulling to everybody; None for a call that has one."""
        if call.path == "/token":
            assert call.query["scope"] == _SCOPE
            return Reply(status=200, body={"token": self.token})
        if call.headers.get("authorization") == f"Bearer {self.token}":
            return None
        realm = self.realm or f"http://{call.headers['host']}/token"
        asked = f'Bearer realm="{realm}",service="registry",scope="{_SCOPE}"'
        return Reply(status=401, headers={"WWW-Authenticate": asked})
