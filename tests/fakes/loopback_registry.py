"""The manifests of an OCI registry on this machine, with the answers of the distribution specification."""

import hashlib
import re

from tests.fakes.loopback import Call, Reply

_MANIFEST = re.compile(r"^/v2/(.+)/manifests/([^/]+)$")
_UNKNOWN = Reply(status=404, body={"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})


class LoopbackRegistry:
    """`manifests` are (name, digest); `failures` are statuses answered first; `deletes` whether it allows deletion."""

    def __init__(self) -> None:
        self.manifests: set[tuple[str, str]] = set()
        self.failures: list[int] = []
        self.deletes = True

    def put(self, name: str) -> str:
        """Store some manifest and return its digest."""
        digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        self.manifests.add((name, digest))
        return digest

    def answer(self, call: Call) -> Reply:
        """Answer a call below /v2."""
        match = _MANIFEST.match(call.path)
        if self.failures:
            return Reply(status=self.failures.pop(0))
        if match is None or (match[1], match[2]) not in self.manifests:
            return _UNKNOWN
        if call.method == "DELETE":
            if not self.deletes:
                return Reply(status=405, body={"errors": [{"code": "UNSUPPORTED"}]})
            self.manifests.remove((match[1], match[2]))
            return Reply(status=202)
        assert "application/vnd.oci.image.index.v1+json" in call.headers["accept"]
        return Reply(status=200, headers={"Docker-Content-Digest": match[2]})
