"""What the headers and the body of a webhook say, for all forges alike."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from functions.common.domain.delivery import Provider, Webhook
from functions.common.errors import Rejected
from functions.common.ports.deliveries import ForgeWebhooks

Forges = Mapping[Provider, ForgeWebhooks]

_PLAIN_ID = re.compile(r"^[\x21-\x7e]{1,200}\Z")
_MAX_KIND = 100
_MAX_HEADER = 500
# The headers that identify a delivery. Signatures, tokens, authorization and cookies are not among them.
_KEPT = {"webhook-id", "webhook-timestamp", "idempotency-key", "x-request-id", "content-type", "user-agent"}
_KEPT_OF_FORGES = re.compile(r"^x-[a-z]+-(?:delivery|event|event-type|event-uuid|webhook-uuid|hook-id|instance)\Z")


def detect(webhook: Webhook, forges: Forges) -> Provider | None:
    """Return the forge that sent the webhook, by its headers; None when they name no event."""
    return next((provider for provider, forge in forges.items() if forge.event_header in webhook.headers), None)


def check_path(webhook: Webhook, forges: Forges) -> None:
    """Raise Rejected for the webhook of another forge than the path's, unless the two share one format."""
    sender = detect(webhook, forges)
    if sender is None or type(forges[sender]) is type(forges[webhook.provider]):
        return
    msg = (
        f"this is a webhook of {sender} at the path of {webhook.provider}: "
        f"send it to /v1/webhooks/{sender}, or make it a webhook of {webhook.provider}"
    )
    raise Rejected(msg)


def mismatch(webhook: Webhook, forges: Forges, *, secret: str, now: datetime) -> str:
    """Return why the webhook is not trusted, or an empty text when it is signed with the secret."""
    if not secret.strip():
        return f"no secret is configured for {webhook.provider}"
    return forges[webhook.provider].verify(webhook, secret=secret, now=now)


def kind_of(webhook: Webhook, forges: Forges) -> str:
    """Return the forge's name for what happened. Raises Rejected when no header has it."""
    sender = detect(webhook, forges)
    kind = webhook.headers[forges[sender].event_header].strip() if sender else ""
    if not kind:
        msg = f"the header {forges[webhook.provider].event_header.title()} is missing: it names what happened"
        raise Rejected(msg)
    return kind.replace("\0", "")[:_MAX_KIND]


def delivery_id_of(webhook: Webhook, forges: Forges) -> str:
    """Return the id of the delivery. Without one it is a hash of the body, so that a repeat is still recognised."""
    for name in forges[webhook.provider].delivery_headers:
        given = webhook.headers.get(name, "").strip()
        if _PLAIN_ID.match(given):
            return given
        if given:
            return "sha256-" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    return "sha256-" + hashlib.sha256(webhook.body).hexdigest()


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to store, which identify the delivery."""
    return {
        name: value.replace("\0", "")[:_MAX_HEADER]
        for name, value in headers.items()
        if name in _KEPT or _KEPT_OF_FORGES.match(name)
    }


def read_payload(webhook: Webhook) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises Rejected when there is none."""
    raw = webhook.json
    if not raw:
        msg = "the payload is empty: send JSON, or a form with the field payload"
        raise Rejected(msg)
    try:
        payload = _parse(raw)
    except (ValueError, RecursionError) as error:  # invalid UTF-8 is a ValueError too
        where = f" at line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the payload is not JSON{where}"
        raise Rejected(msg) from error
    if not isinstance(payload, dict):
        msg = "the payload must be a JSON object"
        raise Rejected(msg)
    return payload


def _parse(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return from_json(raw, cache_strings="keys")  # few values occur twice
    except ValueError:  # Python's own parser also reads lone surrogates and UTF-16, and says where an error is
        return json.loads(raw)
