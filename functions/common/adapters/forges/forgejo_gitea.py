"""Webhooks of Forgejo and Gitea, which are one format: hooks of type `gitea` say `main` where those of
type `forgejo` say `refs/heads/main`.

A rewritten branch cannot be told from a grown one here: the payload has no such field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.forges.fields import Fields
from functions.common.adapters.forges.pull_request import ignored_action, read_pull_request
from functions.common.adapters.forges.push import Origin, PushExtras, read_push
from functions.common.adapters.forges.refs import read_ref
from functions.common.adapters.forges.repository import read_repository
from functions.common.domain.delivery import Provider
from functions.common.events.base import Event
from functions.common.events.push import BranchDeleted
from functions.common.ports.webhook_reader import Ignored

_URLS = ("clone_url", "ssh_url", "html_url")
_PULL_REQUEST = frozenset({"pull_request", "pull_request_sync"})


@dataclass(frozen=True, slots=True)
class ForgejoGiteaWebhooks:
    """WebhookReader of Forgejo and Gitea."""

    def read(self, payload: Mapping[str, Any], *, kind: str, provider: Provider, delivery_id: str) -> Event | Ignored:
        """Return what a payload stands for; see WebhookReader."""
        fields = Fields(payload)
        if kind == "create":
            return Ignored(reason="a create event says nothing that the push of the same ref does not say")
        if kind not in {"push", "delete", *_PULL_REQUEST}:
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        ignored = ignored_action(fields) if kind in _PULL_REQUEST else None
        if ignored:
            return ignored
        repository = read_repository(fields.object("repository"), name="full_name", urls=_URLS)
        origin = Origin(provider=provider, delivery=delivery_id, repository=repository)
        if kind == "push":
            return read_push(fields, origin, _extras(fields))
        if kind == "delete":
            return _deleted(fields, origin)
        return read_pull_request(fields, origin, fork=_is_fork(fields.object("pull_request")))


def _extras(fields: Fields) -> PushExtras:
    pusher = fields.optional_object("pusher")
    author = pusher.optional_text("login") or pusher.optional_text("username")
    total = fields.number("total_commits") if fields.has("total_commits") else None
    return PushExtras(author=author, total=total)


def _deleted(fields: Fields, origin: Origin) -> Event | Ignored:
    ref = read_ref(fields, "ref", short="tag" if fields.text("ref_type") == "tag" else "branch")
    if ref.kind != "branch":
        return Ignored(reason=f"{ref.full} was deleted; nothing is deployed from tags")
    return BranchDeleted(**origin.fields(), branch=ref.name)


def _is_fork(pull_request: Fields) -> bool:
    head, base = pull_request.object("head"), pull_request.object("base")
    return head.values.get("repo_id") != base.values.get("repo_id")
