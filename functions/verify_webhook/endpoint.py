"""The HTTP side: path, method, body limit, and JSON answers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request, Response
from pydantic_core import to_json

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected, Unavailable
from functions.verify_webhook.webhook import Answer, Webhook

MAX_BODY = 25 * 1024 * 1024  # what GitHub sends at most
RETRY_SECONDS = "5"
_PROVIDERS = {provider.value: provider for provider in Provider}
_PATH = re.compile(r"^(?:/api)?/v1/webhooks/([a-z]+)/?\Z")


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Serves POST /v1/webhooks/PROVIDER, also under /api."""

    handle: Callable[[Webhook], Answer]

    def __call__(self, request: Request) -> Response:
        """Answer one request in JSON."""
        answer = self._answer(request)
        text = to_json(answer.body)
        return Response(text, answer.status, answer.headers or None, content_type="application/json")

    def _answer(self, request: Request) -> Answer:
        found = _PATH.match(request.path)
        provider = _PROVIDERS.get(found[1]) if found else None
        if provider is None:
            known = ", ".join(f"/v1/webhooks/{one}" for one in _PROVIDERS)
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
    headers, address = _headers(request.environ), request.environ.get("REMOTE_ADDR", "")
    forwarded = headers.get("x-forwarded-for", "")[:200]
    remote = f"{address} (forwarded for {forwarded})" if forwarded else address
    return Webhook(provider=provider, headers=headers, body=body, remote=remote)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers as WSGI has them: the framework's view of them spells every name anew, twice."""
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
