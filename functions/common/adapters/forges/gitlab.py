"""Webhooks of GitLab; `object_kind` in the body says what happened, the header only which hook was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.forges.payload import (
    MAX_TITLE,
    Fields,
    Origin,
    PullRequestFields,
    PushExtras,
    optional_sha,
    read_push,
    read_repository,
)
from functions.common.domain.delivery import Provider
from functions.common.events.base import Event
from functions.common.events.push import PullRequestClosed, PullRequestOpened, PullRequestUpdated
from functions.common.ports.deliveries import Ignored

_HOOKS = frozenset({"Push Hook", "Tag Push Hook", "Merge Request Hook", "System Hook"})
_URLS = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url")


@dataclass(frozen=True, slots=True)
class GitlabWebhooks:
    """WebhookReader of GitLab."""

    def read(self, payload: Mapping[str, Any], *, kind: str, provider: Provider, delivery_id: str) -> Event | Ignored:
        """Return what a payload stands for; see WebhookReader."""
        fields = Fields(payload)
        what = fields.optional_text("object_kind")
        if kind not in _HOOKS or (what not in {"push", "tag_push", "merge_request"} and kind == "System Hook"):
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        if what not in {"push", "tag_push", "merge_request"}:
            what = fields.text("object_kind")
            return Ignored(reason=f"{what[:80]!r} in a {kind} changes nothing that is deployed")
        repository = read_repository(fields.object("project"), name="path_with_namespace", urls=_URLS)
        origin = Origin(provider=provider, delivery=delivery_id, repository=repository)
        if what == "merge_request":
            return _merge_request(fields.object("object_attributes"), origin)
        return read_push(fields, origin, _extras(fields))


def _extras(fields: Fields) -> PushExtras:
    author = fields.optional_text("user_username") or fields.optional_text("user_name")
    total = fields.number("total_commits_count") if fields.has("total_commits_count") else None
    return PushExtras(author=author, total=total)


def _merge_request(attributes: Fields, origin: Origin) -> Event | Ignored:
    action = attributes.optional_text("action")
    if action in {"open", "reopen"}:
        return PullRequestOpened(**_named(attributes, origin))
    if action == "update" and attributes.has("oldrev"):  # other updates change its text, labels or people
        return PullRequestUpdated(**_named(attributes, origin))
    if action in {"close", "merge"}:
        return PullRequestClosed(**_named(attributes, origin), merged=action == "merge")
    return Ignored(reason=f"merge request action {action[:80]!r} without new commits changes nothing that is deployed")


def _named(attributes: Fields, origin: Origin) -> PullRequestFields:
    values = attributes.values
    return {
        **origin.fields(),
        "number": attributes.number("iid"),
        "title": attributes.optional_text("title")[:MAX_TITLE],
        "branch": attributes.text("source_branch"),
        "sha": optional_sha(attributes.optional_object("last_commit"), "id"),
        "target": attributes.text("target_branch"),
        "fork": values.get("source_project_id") != values.get("target_project_id"),
    }
