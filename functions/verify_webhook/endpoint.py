"""The HTTP side of verify-webhook: path, method, and answers in JSON."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request, Response
from pydantic_core import to_json

from functions.common.domain.delivery import Provider, Webhook
from functions.common.errors import Rejected, Unavailable
from functions.verify_webhook.refusals import Answer

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
        try:
            return self.handle(_webhook(request, provider))
        except Rejected as error:
            return Answer(status=400, body={"error": str(error)})
        except Unavailable as error:
            return Answer(status=503, body={"error": str(error)}, headers={"Retry-After": RETRY_SECONDS})


def _webhook(request: Request, provider: Provider) -> Webhook:
    headers, remote = _headers(request.environ), request.environ.get("REMOTE_ADDR", "")
    return Webhook(provider=provider, headers=headers, body=request.get_data(), remote=remote)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
