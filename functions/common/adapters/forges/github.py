"""Webhooks of GitHub."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.common.adapters.forges.payload import (
    Fields,
    Origin,
    PushExtras,
    ignored_pull_request,
    read_pull_request,
    read_push,
    read_repository,
)
from functions.common.adapters.forges.signatures import HUB, hmac_mismatch
from functions.common.domain.delivery import Provider, Webhook
from functions.common.events.base import Event
from functions.common.events.push import Repository
from functions.common.ports.deliveries import Ignored

# GitHub omits commits and files beyond these numbers without notice.
MAX_COMMITS = 2048
MAX_FILES = 3000
_URLS = ("clone_url", "ssh_url", "git_url", "html_url")


@dataclass(frozen=True, slots=True)
class GithubWebhooks:
    """ForgeWebhooks of GitHub."""

    event_header = "x-github-event"
    delivery_headers = ("x-github-delivery",)

    def verify(self, webhook: Webhook, *, secret: str, now: datetime) -> str:  # noqa: ARG002 - it has no timestamp
        """Check X-Hub-Signature-256, which covers the raw body, of a form too; see ForgeWebhooks."""
        return hmac_mismatch(webhook.headers, (HUB,), webhook.body, secret=secret)

    def repository(self, payload: Mapping[str, Any]) -> Repository | None:
        """Return the repository of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        if not fields.has("repository"):
            return None
        return read_repository(fields.object("repository"), name="full_name", urls=_URLS)

    def read(self, payload: Mapping[str, Any], *, kind: str, delivery_id: str) -> Event | Ignored:
        """Return the event of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        if kind == "ping":
            return Ignored(reason="a ping: the webhook is set up correctly")
        if kind in {"create", "delete"}:
            return Ignored(reason=f"a {kind} event repeats the push event of the same ref")
        if kind not in {"push", "pull_request"}:
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        ignored = ignored_pull_request(fields) if kind == "pull_request" else None
        if ignored:
            return ignored
        repository = read_repository(fields.object("repository"), name="full_name", urls=_URLS)
        origin = Origin(provider=Provider.GITHUB, delivery=delivery_id, repository=repository)
        if kind == "push":
            return read_push(fields, origin, _extras(fields))
        return read_pull_request(fields, origin, fork=_is_fork(fields.object("pull_request")))


def _extras(fields: Fields) -> PushExtras:
    commits = fields.objects("commits")
    cut = len(commits) >= MAX_COMMITS or any(_files(commit) >= MAX_FILES for commit in commits)
    return PushExtras(
        author=fields.optional_object("pusher").optional_text("name"),
        total=None if cut else len(commits),
        forced=fields.flag("forced"),
    )


def _files(commit: Fields) -> int:
    return sum(len(commit.texts(name)) for name in ("added", "modified", "removed"))


def _is_fork(pull_request: Fields) -> bool:
    head = pull_request.object("head").optional_object("repo")  # null once the fork is deleted
    base = pull_request.object("base").optional_object("repo")
    return head.optional_text("full_name") != base.optional_text("full_name")
