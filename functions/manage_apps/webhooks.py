"""The webhook of an app: where its forge sends pushes, and the secret that signs them, which is shown once."""

import secrets
from dataclasses import dataclass

from functions.common.domain.git_url import checked_git_url
from functions.common.ports.apps import AppWebhooks
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.forge import Repositories
from functions.manage_apps.models import NoBody, NoQuery, View
from functions.manage_apps.operation import Answer, Call, operation

_FORGES = {"github.com": "github", "gitlab.com": "gitlab", "codeberg.org": "forgejo"}
_UNKNOWN = "FORGE"  # forgejo, gitea, github or gitlab: the host does not say it


def new_secret() -> str:
    """Return a secret that cannot be guessed."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUrls:
    """The URLs of webhooks below that of the gateway; `forge` is the Forgejo or Gitea at GITEA_URL."""

    gateway: str
    forge: str = ""

    def of(self, git_url: str) -> str:
        """Return where the forge of a repository sends its webhooks."""
        url = checked_git_url(git_url)
        forge = "gitea" if self.forge and url.is_at(self.forge) else _FORGES.get(url.host, _UNKNOWN)
        return f"{self.gateway.rstrip('/')}/v1/webhooks/{forge}"


class WebhookView(View):
    """An app's webhook. `secret` is empty except in the answer that made it.

    `own_secret` is false while the secret of the forge's setting is accepted for the app's repository.
    """

    url: str
    own_secret: bool
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandlers:
    """The handlers of webhooks."""

    webhooks: AppWebhooks
    urls: WebhookUrls
    repositories: Repositories
    changes: Changes
    audit: AuditLog

    @operation(NoQuery, NoBody, WebhookView)
    def show_webhook(self, call: Call[NoQuery, NoBody]) -> Answer[WebhookView]:
        """Show where the app's forge sends webhooks, and whether the app has a secret of its own."""
        return Answer(body=self._view(call, own=self.webhooks.has(call.app.app.name)))

    @operation(NoQuery, NoBody, WebhookView)
    def rotate_webhook(self, call: Call[NoQuery, NoBody]) -> Answer[WebhookView]:
        """Make a new secret for the app's webhook, and show it once; the old one ends at once.

        It is put into the webhook of a repository that Slipway created.
        """
        name, secret = call.app.app.name, new_secret()
        with self.changes.begin():
            self.webhooks.put(name, secret)
            if call.app.repository:
                self.repositories.set_webhook(call.app.repository, webhook_secret=secret)
            self.audit.record(actor=call.actor, action="app.webhook", target=name, detail="a new secret")
        return Answer(body=self._view(call, own=True, secret=secret))

    @operation(NoQuery, NoBody, WebhookView)
    def share_webhook(self, call: Call[NoQuery, NoBody]) -> Answer[WebhookView]:
        """Remove the app's own secret: that of the forge's setting is accepted, as for webhooks of a whole forge."""
        name = call.app.app.name
        with self.changes.begin():
            self.webhooks.remove(name)
            self.audit.record(actor=call.actor, action="app.webhook", target=name, detail="the secret of the forge")
        return Answer(body=self._view(call, own=False))

    def _view(self, call: Call[NoQuery, NoBody], *, own: bool, secret: str = "") -> WebhookView:
        git_url = call.app.app.git_url
        return WebhookView(url=self.urls.of(git_url) if git_url else "", own_secret=own, secret=secret)
