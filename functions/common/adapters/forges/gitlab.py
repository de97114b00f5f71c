"""Webhooks of GitLab, of projects, groups and the whole instance (system hooks)."""

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

_SYSTEM = "System Hook"
_HOOKS = frozenset({"Push Hook", "Tag Push Hook", "Merge Request Hook", _SYSTEM})
_READ = frozenset({"push", "tag_push", "merge_request"})
_URLS = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url")


@dataclass(frozen=True, slots=True)
class GitlabWebhooks:
    """WebhookReader of GitLab.

    The header names the hook; the body says what happened: in `object_kind`, or in `event_name` alone when the
    system hook is of the older format.
    """

    def read(self, payload: Mapping[str, Any], *, kind: str, provider: Provider, delivery_id: str) -> Event | Ignored:
        """Return the event of a payload; see WebhookReader."""
        fields = Fields(payload)
        if kind not in _HOOKS:
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        what = _what(fields, kind)
        if what not in _READ:
            return Ignored(reason=_ignored(kind, what))
        repository = read_repository(fields.object("project"), name="path_with_namespace", urls=_URLS)
        origin = Origin(provider=provider, delivery=delivery_id, repository=repository)
        if what == "merge_request":
            return _merge_request(fields.object("object_attributes"), origin)
        return read_push(fields, origin, _extras(fields))


def _what(fields: Fields, kind: str) -> str:
    """Return what happened, empty when a system hook does not say it. Raises Rejected for other hooks."""
    what = fields.optional_text("object_kind")
    if what or kind != _SYSTEM:
        return what or fields.text("object_kind")
    return fields.optional_text("event_name")


def _ignored(kind: str, what: str) -> str:
    if (kind, what) == (_SYSTEM, "repository_update"):
        return "repository_update repeats the push events of its branches: enable push events in the system hook"
    return f"{repr(what[:80]) if what else 'an event without a name'} in a {kind} changes nothing that is deployed"


def _extras(fields: Fields) -> PushExtras:
    author = fields.optional_text("user_username") or fields.optional_text("user_name")
    total = fields.number("total_commits_count") if fields.has("total_commits_count") else None
    return PushExtras(author=author, total=total)


def _merge_request(attributes: Fields, origin: Origin) -> Event | Ignored:
    action = attributes.optional_text("action")
    if action in {"open", "reopen"}:
        return PullRequestOpened(**_pull_request_fields(attributes, origin))
    if action == "update" and attributes.has("oldrev"):  # other updates change text, labels or people
        return PullRequestUpdated(**_pull_request_fields(attributes, origin))
    if action in {"close", "merge"}:
        return PullRequestClosed(**_pull_request_fields(attributes, origin), merged=action == "merge")
    return Ignored(reason=f"merge request action {action[:80]!r} without new commits changes nothing that is deployed")


def _pull_request_fields(attributes: Fields, origin: Origin) -> PullRequestFields:
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
