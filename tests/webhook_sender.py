"""Sends webhooks to verify-webhook as its forge would, through its real endpoint."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Provider
from functions.common.platform.core import Core
from functions.common.settings import Settings
from functions.verify_webhook.app import compose, publisher
from tests.patience import patient

SECRET = "a secret of these tests"
PAYLOADS = Path(__file__).parent / "payloads"
# How each forge names a push; its example is payloads/<forge>/push.json.
PUSHES = {
    Provider.FORGEJO: "push",
    Provider.GITEA: "push",
    Provider.GITHUB: "push",
    Provider.GITLAB: "Push Hook",
}


def payload(name: str) -> bytes:
    """Return one of our payloads, `forge/name`, as bytes."""
    return (PAYLOADS / f"{name}.json").read_bytes()


def signature(body: bytes, secret: str = SECRET) -> str:
    """Return the HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def forge_headers(provider: str, kind: str, delivery: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the headers that a forge sends with this body; Forgejo says it all in its ancestors' words too."""
    json_type = {"Content-Type": "application/json"}
    if provider == Provider.GITLAB:
        return {**json_type, "X-Gitlab-Event": kind, "X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": delivery}
    signed = signature(body, secret)
    github = {"X-GitHub-Event": kind, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": f"sha256={signed}"}
    gitea = {"X-Gitea-Event": kind, "X-Gitea-Delivery": delivery, "X-Gitea-Signature": signed}
    forgejo = {"X-Forgejo-Event": kind, "X-Forgejo-Delivery": delivery, "X-Forgejo-Signature": signed}
    if provider == Provider.GITHUB:
        return {**json_type, **github}
    return {**json_type, **github, **gitea, **(forgejo if provider == Provider.FORGEJO else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One endpoint with its database and broker."""

    app: Flask

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> TestResponse:
        """POST and return the answer."""
        client: FlaskClient = self.app.test_client()
        return client.post(path, data=body, headers=dict(headers))

    def send(self, provider: str, kind: str, body: bytes, delivery: str = "d-1", **kept: str) -> TestResponse:
        """POST a well signed webhook; `kept` are further headers."""
        headers = {**forge_headers(provider, kind, delivery, body), **kept}
        return self.post(f"/v1/webhooks/{provider}", body, headers)


def sender(database: str, broker_url: str, **environment: str) -> Sender:
    """Return a sender to a newly composed endpoint; its secret is SECRET unless the environment says otherwise."""
    settings = {"DATABASE_URL": database, "K_SINK": broker_url, "PAAS_WEBHOOK_SECRET": SECRET, **environment}
    parts = Core(settings=Settings(environment=settings))
    publishing = publisher(parts)
    endpoint = compose(parts, publishing)
    app = Flask("verify-webhook")

    def serve(path: str) -> ResponseReturnValue:
        del path
        answer = endpoint(request)
        publishing.drain()
        return answer

    app.add_url_rule("/<path:path>", view_func=serve, methods=["GET", "POST"])
    return Sender(app=app)


def published(database: str, count: int) -> int:
    """Return how many deliveries are marked as published; waits a while for `count`, as marks come in batches."""
    rows, end = Postgres(database), time.monotonic() + patient(5)
    while True:
        found = int(rows.run("select count(published_at) from webhook_deliveries")[0][0])
        if found >= count or time.monotonic() > end:
            return found
        time.sleep(0.01)


def read_json(answer: TestResponse) -> dict[str, Any]:
    """Return the answer's JSON object."""
    found = json.loads(answer.get_data())
    if not isinstance(found, dict):
        msg = f"not a JSON object: {found!r}"
        raise TypeError(msg)
    return found
