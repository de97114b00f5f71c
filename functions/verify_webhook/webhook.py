"""A webhook request: which forge sends it, what it says happened, and where its JSON stands."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected

# A webhook request and its answer, without the web framework.


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`provider` is the path's; header names are lower case; `remote` tells whom an audit is about."""

    provider: Provider
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON object."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


# Which forge sends, what it says happened, and under which id: all from headers.

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


# Where the JSON stands in a webhook's body, and which bytes its forge signed.

_FORM = "application/x-www-form-urlencoded"


def signed_bytes(webhook: Webhook) -> bytes:
    """Return what the signature covers: the raw body, but for forms of Forgejo and Gitea the decoded payload."""
    return webhook.body if webhook.provider is Provider.GITHUB else json_bytes(webhook)


def json_bytes(webhook: Webhook) -> bytes:
    """Return the JSON as it was sent: the body, or a form's field `payload` (empty when it has none)."""
    if not webhook.headers.get("content-type", "").lower().startswith(_FORM):
        return webhook.body
    fields = (field.partition(b"=") for field in webhook.body.split(b"&"))
    value = next((value for name, _, value in fields if name == b"payload"), b"")
    return unquote_to_bytes(value.replace(b"+", b" "))


def read_payload(webhook: Webhook) -> Mapping[str, Any]:
    """Return the JSON object. Raises Rejected when there is none."""
    raw = json_bytes(webhook)
    if not raw:
        msg = "the payload is empty: send JSON, or a form with the field payload"
        raise Rejected(msg)
    try:
        payload = _parsed(raw)
    except (ValueError, RecursionError) as error:  # not UTF-8 is a ValueError too
        where = f" at line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the payload is not JSON{where}"
        raise Rejected(msg) from error
    if not isinstance(payload, dict):
        msg = "the payload must be a JSON object"
        raise Rejected(msg)
    return payload


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return from_json(raw, cache_strings="keys")  # values seldom come twice
    except ValueError:  # it is stricter: lone surrogates and UTF-16 are Python's to read, or to say what is wrong
        return json.loads(raw)
