"""Webhooks of GitLab, of projects, groups and the whole instance (system hooks)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.common.adapters.forges.payload import (
    MAX_TITLE,
    Fields,
    Origin,
    PullRequestFields,
    PushExtras,
    optional_sha,
    read_branch,
    read_push,
    read_repository,
)
from functions.common.adapters.forges.signatures import STANDARD_PREFIX, is_equal, standard_webhooks_mismatch
from functions.common.domain.delivery import Provider, Webhook
from functions.common.events.base import Event
from functions.common.events.push import PullRequestClosed, PullRequestOpened, PullRequestUpdated, Repository
from functions.common.ports.deliveries import Ignored

_SYSTEM = "System Hook"
_HOOKS = frozenset({"Push Hook", "Tag Push Hook", "Merge Request Hook", _SYSTEM})
_READ = frozenset({"push", "tag_push", "merge_request"})
_URLS = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url")
_OLDER_URLS = ("git_http_url", "git_ssh_url", "homepage", "url")  # of the object `repository`


@dataclass(frozen=True, slots=True)
class GitlabWebhooks:
    """ForgeWebhooks of GitLab.

    The header names the hook; the body says what happened: in `object_kind`, or in `event_name` alone when the
    system hook is of the older format.
    """

    event_header = "x-gitlab-event"
    # The first is signed where there is a signing token. The third is the same for all hooks of one event.
    delivery_headers = ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")

    def verify(self, webhook: Webhook, *, secret: str, now: datetime) -> str:
        """Check the signature where there is a signing token, else X-Gitlab-Token, which is the secret itself."""
        token = webhook.headers.get("x-gitlab-token")
        is_signed = "webhook-signature" in webhook.headers
        if secret.startswith(STANDARD_PREFIX) or (is_signed and not token):
            return standard_webhooks_mismatch(webhook.headers, webhook.body, secret=secret, now=now)
        if token is None:
            return "neither X-Gitlab-Token nor webhook-signature is there"
        if not token:
            return "X-Gitlab-Token is empty: the webhook has no secret token at the forge"
        return "" if is_equal(token, secret) else "X-Gitlab-Token differs"

    def repository(self, payload: Mapping[str, Any]) -> Repository | None:
        """Return the project of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        return _project(fields) if fields.has("project") else None

    def read(self, payload: Mapping[str, Any], *, kind: str, delivery_id: str) -> Event | Ignored:
        """Return the event of a payload; see ForgeWebhooks."""
        fields = Fields(payload)
        if kind not in _HOOKS:
            return Ignored(reason=f"{kind} events change nothing that is deployed")
        what = _what(fields, kind)
        if what not in _READ:
            return Ignored(reason=_ignored(kind, what))
        origin = Origin(provider=Provider.GITLAB, delivery=delivery_id, repository=_project(fields))
        if what == "merge_request":
            return _merge_request(fields.object("object_attributes"), origin)
        return read_push(fields, origin, _extras(fields))


def _project(fields: Fields) -> Repository:
    older = (fields.optional_object("repository"), _OLDER_URLS)
    return read_repository(fields.object("project"), name="path_with_namespace", urls=_URLS, others=(older,))


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
        "branch": read_branch(attributes, "source_branch"),
        "sha": optional_sha(attributes.optional_object("last_commit"), "id"),
        "target": read_branch(attributes, "target_branch"),
        "fork": values.get("source_project_id") != values.get("target_project_id"),
    }
