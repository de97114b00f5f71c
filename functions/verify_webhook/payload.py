"""Where the JSON stands in a webhook's body, and which bytes its forge signed."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

from functions.common.domain.delivery import Provider
from functions.common.errors import Rejected
from functions.verify_webhook.webhook import Webhook

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
