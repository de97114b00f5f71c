"""Composition root of verify-webhook."""

import atexit
from functools import partial

from functions.common.adapters.background_publisher import BackgroundPublisher
from functions.common.adapters.forges.forgejo_gitea import ForgejoGiteaWebhooks
from functions.common.adapters.forges.github import GithubWebhooks
from functions.common.adapters.forges.gitlab import GitlabWebhooks
from functions.common.adapters.group_commit import GroupCommit
from functions.common.adapters.marks_in_batches import MarksInBatches
from functions.common.adapters.postgres_audit_log import PostgresAuditLog
from functions.common.adapters.postgres_deliveries import PostgresDeliveries
from functions.common.domain.delivery import Provider
from functions.common.ports.publisher import Publisher
from functions.common.ports.webhook_reader import WebhookReader
from functions.common.runtime.http import Endpoint, http_target
from functions.common.wiring.core import Core, core
from functions.verify_webhook.endpoint import WebhookEndpoint
from functions.verify_webhook.handler import handle

READERS: dict[Provider, WebhookReader] = {
    Provider.FORGEJO: ForgejoGiteaWebhooks(),
    Provider.GITEA: ForgejoGiteaWebhooks(),
    Provider.GITHUB: GithubWebhooks(),
    Provider.GITLAB: GitlabWebhooks(),
}


def publisher(parts: Core) -> BackgroundPublisher:
    """Return what publishes the events of deliveries."""
    deliveries = PostgresDeliveries(database=parts.database)
    return BackgroundPublisher(sink=parts.sink, marks=MarksInBatches(inner=deliveries))


def compose(parts: Core, publisher: Publisher) -> Endpoint:
    """Return the endpoint on these parts."""
    return WebhookEndpoint(
        partial(
            handle,
            secret_of=parts.settings.webhook_secret,
            readers=READERS,
            inbox=GroupCommit(inner=PostgresDeliveries(database=parts.database)),
            audit=PostgresAuditLog(database=parts.database),
            publisher=publisher,
            clock=parts.clock,
        )
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    parts = core()
    publishing = publisher(parts)
    atexit.register(publishing.drain)
    return compose(parts, publishing)


verify_webhook = http_target(create)
