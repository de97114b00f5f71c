"""Composition root of verify-webhook."""

import atexit
from functools import partial
from threading import Lock

from functions.common.adapters.broker.publisher import BackgroundPublisher, PublishMarker
from functions.common.adapters.forges.gitea import GiteaWebhooks
from functions.common.adapters.forges.github import GithubWebhooks
from functions.common.adapters.forges.gitlab import GitlabWebhooks
from functions.common.adapters.postgres.apps import PostgresWebhookSecrets
from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.limits import PostgresRateLimit
from functions.common.domain.delivery import Provider
from functions.common.domain.git_url import host_key
from functions.common.platform.core import Core, check_migrations, core
from functions.common.ports.events import Publisher
from functions.common.ports.limits import Rate
from functions.common.runtime.http import Endpoint, http_target, limit_body
from functions.verify_webhook.endpoint import WebhookEndpoint
from functions.verify_webhook.handler import handle
from functions.verify_webhook.refusals import Refusals
from functions.verify_webhook.trust import ForgeHosts, GitServer, Trust
from functions.verify_webhook.webhook import Forges

MAX_BODY = 25 * 1024 * 1024  # the largest body that GitHub sends
# A webhook is of the first forge whose event header it has: Forgejo also sends Gitea's and GitHub's, Gitea GitHub's.
FORGES: Forges = {
    Provider.FORGEJO: GiteaWebhooks(Provider.FORGEJO),
    Provider.GITEA: GiteaWebhooks(Provider.GITEA),
    Provider.GITLAB: GitlabWebhooks(),
    Provider.GITHUB: GithubWebhooks(),
}


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    parts = core()
    publishing = publisher(parts)
    atexit.register(publishing.drain)
    return compose(parts, publishing)


def publisher(parts: Core) -> BackgroundPublisher:
    """Return the publisher of the deliveries' events."""
    deliveries = PostgresDeliveries(database=parts.database)
    return BackgroundPublisher(sink=parts.sink, marker=PublishMarker(store=deliveries))


def compose(parts: Core, publisher: Publisher) -> Endpoint:
    """Return the endpoint on these parts."""
    handler = partial(
        handle,
        forges=FORGES,
        trust=trust(parts),
        parsing=Lock(),
        inbox=PostgresDeliveries(database=parts.database),
        refusals=refusals(parts),
        publisher=publisher,
        clock=parts.clock,
    )
    return limit_body(WebhookEndpoint(handler), MAX_BODY)


def refusals(parts: Core) -> Refusals:
    """Return how webhooks with a wrong signature are refused."""
    rate = Rate.per_minute(parts.settings.rates.webhooks)
    return Refusals(
        limit=PostgresRateLimit(database=parts.database, name="refused webhooks", rate=rate),
        audit=PostgresAuditLog(database=parts.database),
        proxies=parts.settings.clients.proxies,
    )


def trust(parts: Core) -> Trust:
    """Return which secrets and hosts the settings and the apps have."""
    sources, git_server = parts.settings.sources, parts.settings.git_server
    forge = sources.forge_url
    known = {host_key(forge): frozenset({Provider.GITEA, Provider.FORGEJO})} if forge else {}
    known |= {host_key(git_server.url): frozenset({Provider.FORGEJO})} if git_server.url else {}
    return Trust(
        default_of=parts.settings.webhooks.secret_of,
        own=PostgresWebhookSecrets(database=parts.database, cipher=parts.cipher),
        hosts=ForgeHosts(listed={provider: sources.hosts_of(provider) for provider in Provider}, known=known),
        git_server=GitServer(url=git_server.url, secret=git_server.secret.get_secret_value()),
    )


verify_webhook = http_target(create, check_migrations)
