"""The HTTP side: path, method, body limit, and JSON answers."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Request, Response

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected, Unavailable
from functions.verify_webhook.webhook import Answer, Webhook

MAX_BODY = 25 * 1024 * 1024  # what GitHub sends at most
RETRY_SECONDS = "5"
_PATH = re.compile(r"^(?:/api)?/v1/webhooks/([a-z]+)/?\Z")


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Serves POST /v1/webhooks/PROVIDER, also under /api."""

    handle: Callable[[Webhook], Answer]

    def __call__(self, request: Request) -> Response:
        """Answer one request in JSON."""
        answer = self._answer(request)
        text = json.dumps(answer.body)
        return Response(text, answer.status, answer.headers or None, content_type="application/json")

    def _answer(self, request: Request) -> Answer:
        found = _PATH.match(request.path)
        provider = next((one for one in Provider if found and one == found[1]), None)
        if provider is None:
            known = ", ".join(f"/v1/webhooks/{one}" for one in Provider)
            return Answer(status=404, body={"error": f"nothing is at this path: webhooks go to {known}"})
        if request.method != "POST":
            return Answer(status=405, body={"error": "webhooks are sent by POST"}, headers={"Allow": "POST"})
        body = _body(request)
        if body is None:
            text = f"the body is larger than {MAX_BODY} bytes: push less at once, or narrow the webhook's events"
            return Answer(status=413, body={"error": text}, headers={"Connection": "close"})
        try:
            return self.handle(_webhook(request, provider, body))
        except Rejected as error:
            return Answer(status=400, body={"error": str(error)})
        except Unavailable as error:
            return Answer(status=503, body={"error": str(error)}, headers={"Retry-After": RETRY_SECONDS})


def _body(request: Request) -> bytes | None:
    """Return the raw body, None when it is too large; what is said or found to be too large is not read on."""
    if (request.content_length or 0) > MAX_BODY:
        return None
    body = request.stream.read(MAX_BODY + 1)
    return None if len(body) > MAX_BODY else body


def _webhook(request: Request, provider: Provider, body: bytes) -> Webhook:
    forwarded = request.headers.get("X-Forwarded-For", "")[:200]
    remote = f"{request.remote_addr} (forwarded for {forwarded})" if forwarded else str(request.remote_addr)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Webhook(provider=provider, headers=headers, body=body, remote=remote)
