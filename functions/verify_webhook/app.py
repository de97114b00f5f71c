"""Composition root of verify-webhook, and its HTTP endpoint."""

import atexit
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Request, Response
from pydantic_core import to_json

from functions.common.adapters.broker.publisher import BackgroundPublisher, PublishMarker
from functions.common.adapters.forges.gitea import GiteaWebhooks
from functions.common.adapters.forges.github import GithubWebhooks
from functions.common.adapters.forges.gitlab import GitlabWebhooks
from functions.common.adapters.postgres.access import PostgresAuditLog
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.group_commit import GroupCommit
from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.deliveries import WebhookReader
from functions.common.ports.events import Publisher
from functions.common.runtime.http import Endpoint, http_target, limit_body
from functions.common.wiring.core import Core, core
from functions.verify_webhook.handler import handle
from functions.verify_webhook.webhook import Answer, Webhook

# The HTTP side: path, method, and JSON answers.

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
        try:
            return self.handle(_webhook(request, provider))
        except Rejected as error:
            return Answer(status=400, body={"error": str(error)})
        except Unavailable as error:
            return Answer(status=503, body={"error": str(error)}, headers={"Retry-After": RETRY_SECONDS})


def _webhook(request: Request, provider: Provider) -> Webhook:
    headers, address = _headers(request.environ), request.environ.get("REMOTE_ADDR", "")
    forwarded = headers.get("x-forwarded-for", "")[:200]
    remote = f"{address} (forwarded for {forwarded})" if forwarded else address
    return Webhook(provider=provider, headers=headers, body=request.get_data(), remote=remote)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers as WSGI has them: the framework's view of them spells every name anew, twice."""
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }


# Composition root of verify-webhook.

READERS: dict[Provider, WebhookReader] = {
    Provider.FORGEJO: GiteaWebhooks(),
    Provider.GITEA: GiteaWebhooks(),
    Provider.GITHUB: GithubWebhooks(),
    Provider.GITLAB: GitlabWebhooks(),
}


def publisher(parts: Core) -> BackgroundPublisher:
    """Return what publishes the events of deliveries."""
    deliveries = PostgresDeliveries(database=parts.database)
    return BackgroundPublisher(sink=parts.sink, marker=PublishMarker(store=deliveries))


def compose(parts: Core, publisher: Publisher) -> Endpoint:
    """Return the endpoint on these parts."""
    handler = partial(
        handle,
        secret_of=parts.settings.webhook_secret,
        readers=READERS,
        inbox=GroupCommit(inner=PostgresDeliveries(database=parts.database)),
        audit=PostgresAuditLog(database=parts.database),
        publisher=publisher,
        clock=parts.clock,
    )
    return limit_body(WebhookEndpoint(handler), MAX_BODY)


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    parts = core()
    publishing = publisher(parts)
    atexit.register(publishing.drain)
    return compose(parts, publishing)


verify_webhook = http_target(create)
