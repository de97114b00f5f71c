"""Which forge sends, what it says happened, and under which id: all from headers."""

import hashlib
import re
from collections.abc import Mapping

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected
from functions.verify_webhook.webhook import Webhook

# In this order: a Forgejo hook also carries Gitea's and GitHub's headers, a Gitea hook GitHub's.
_EVENT_HEADERS = {
    Provider.FORGEJO: "x-forgejo-event",
    Provider.GITEA: "x-gitea-event",
    Provider.GITLAB: "x-gitlab-event",
    Provider.GITHUB: "x-github-event",
}
_DELIVERY_HEADERS = {
    Provider.FORGEJO: ("x-forgejo-delivery", "x-gitea-delivery"),
    Provider.GITEA: ("x-gitea-delivery", "x-forgejo-delivery"),
    # The first is signed where there is a signing token; the third is shared by hooks that one caused.
    Provider.GITLAB: ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    Provider.GITHUB: ("x-github-delivery",),
}
SAME_FORMAT = frozenset({Provider.FORGEJO, Provider.GITEA})
_FORGES = ("forgejo", "gitea", "gogs", "github", "gitlab")
_TOLD = ("delivery", "event", "event-type", "event-uuid", "webhook-uuid", "hook-id", "instance")
_OTHERS = ("webhook-id", "webhook-timestamp", "idempotency-key", "x-request-id", "content-type", "user-agent")
_KEPT = frozenset((*_OTHERS, *(f"x-{forge}-{what}" for forge in _FORGES for what in _TOLD)))
_PLAIN_ID = re.compile(r"^[\x21-\x7e]{1,200}\Z")
_MAX_KIND = 100
_MAX_HEADER = 500


def detect(headers: Mapping[str, str]) -> Provider | None:
    """Return the forge that these headers are from, None when they name no event."""
    return next((provider for provider, name in _EVENT_HEADERS.items() if name in headers), None)


def check_path(webhook: Webhook) -> None:
    """Raise Rejected when another forge's webhook comes in at this path."""
    found = detect(webhook.headers)
    if found in {None, webhook.provider} or {found, webhook.provider} == SAME_FORMAT:
        return
    msg = (
        f"this is a webhook of {found} at the path of {webhook.provider}: "
        f"send it to /v1/webhooks/{found}, or make it a webhook of {webhook.provider}"
    )
    raise Rejected(msg)


def kind_of(webhook: Webhook) -> str:
    """Return the forge's name for what happened. Raises Rejected when no header says."""
    found = detect(webhook.headers)
    kind = webhook.headers[_EVENT_HEADERS[found]].strip() if found else ""
    if not kind:
        msg = f"the header {_EVENT_HEADERS[webhook.provider].title()} is missing: it says what happened"
        raise Rejected(msg)
    return kind.replace("\0", "")[:_MAX_KIND]


def delivery_id_of(webhook: Webhook) -> str:
    """Return the delivery's id; one that is missing follows from the body, so that a repeat is still known."""
    for name in _DELIVERY_HEADERS[webhook.provider]:
        given = webhook.headers.get(name, "").strip()
        if _PLAIN_ID.match(given):
            return given
        if given:
            return "sha256-" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    return "sha256-" + hashlib.sha256(webhook.body).hexdigest()


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that identify a delivery; signatures, tokens, authorization and cookies are not among them."""
    return {name: value.replace("\0", "")[:_MAX_HEADER] for name, value in headers.items() if name in _KEPT}
