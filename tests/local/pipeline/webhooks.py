"""Webhooks sent by the test: repeated, late, forged."""

import json
import uuid
from dataclasses import dataclass

import httpx

from tests.chaos.webhooks import Push
from tests.local.pipeline.developer import Developer
from tests.webhook_sender import forge_headers

SILENT = "git -c core.hooksPath=/dev/null receive-pack"  # without the repository's own webhook
ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One delivery of one change."""

    developer: Developer
    body: bytes
    kind: str
    delivery: str

    def send(self, **headers: str) -> httpx.Response:
        """Send it, well signed unless `headers` (with _ for -) say otherwise; an empty one is left out."""
        at = self.developer.stage.at
        sent = forge_headers("forgejo", self.kind, self.delivery, self.body, at.webhook_secret)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.developer.stage.post(f"{at.gateway}/v1/webhooks/forgejo", self.body, sent)


def webhook(
    developer: Developer, sha: str, *, before: str = ZERO, branch: str = "main", kind: str = "push", **extra: object
) -> Webhook:
    """Return a new delivery for a commit; `extra` are further fields of its payload."""
    url = developer.paas_json("apps", "show", developer.app)["git_url"]
    push = Push(app=developer.app, clone_url=url, before=before, after=sha, branch=branch)
    body = json.dumps({**json.loads(push.payload()), **extra}).encode()
    return Webhook(developer=developer, body=body, kind=kind, delivery=str(uuid.uuid4()))


def push_silently(developer: Developer, refspec: str = "HEAD:refs/heads/main") -> None:
    """Push as if the webhook were lost."""
    bare = developer.stage.home / "git" / "slipway" / f"{developer.app}.git"
    developer.git("push", "--quiet", "--force", f"--receive-pack={SILENT}", str(bare), refspec)
