"""What the headers and the body of a webhook say, for all forges alike."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from functions.common.domain.delivery import Provider, Webhook
from functions.common.errors import Rejected
from functions.common.events.push import Repository
from functions.common.ports.deliveries import ForgeWebhooks, WebhookSecret

Forges = Mapping[Provider, ForgeWebhooks]

_PLAIN_ID = re.compile(r"^[\x21-\x7e]{1,200}\Z")
_MAX_KIND = 100
MAX_VALUES = 250_000  # GitHub's largest push, of 2,048 commits, has some 60,000
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


# So many secrets are always tried: the time does not say how many a repository has, nor whether it has an app.
_TRIED = 4
_NO_SECRET = "of nobody"  # noqa: S105 - what is signed with it is not trusted either


def signature_of(
    webhook: Webhook, forges: Forges, *, secrets: Sequence[WebhookSecret], now: datetime
) -> tuple[str, WebhookSecret | None]:
    """Return why the webhook is not trusted, or an empty text and the secret that it is signed with."""
    forge, padding = forges[webhook.provider], [_NO_SECRET] * (_TRIED - len(secrets))
    tried = [*(one.secret for one in secrets), *padding]
    problems = [forge.verify(webhook, secret=secret, now=now) for secret in tried][: len(secrets)]
    if not secrets:
        return f"no secret is configured for {webhook.provider}", None
    return ("", secrets[problems.index("")]) if "" in problems else (problems[0], None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a webhook says, before it is believed: the payload, or why it cannot be read; the repository it names."""

    payload: Mapping[str, Any] | None = None
    repository: Repository | None = None
    problem: str = ""


def claim_of(webhook: Webhook, forges: Forges) -> Claim:
    """Return what a webhook says."""
    payload: Mapping[str, Any] | None = None
    try:
        payload = read_payload(webhook)
        return Claim(payload=payload, repository=forges[webhook.provider].repository(payload))
    except Rejected as error:
        return Claim(payload=payload, problem=str(error))


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


_FORM_TYPE = "application/x-www-form-urlencoded"
_JSON_TYPE = re.compile(r"^application/(?:[a-z0-9.+-]+\+)?json\Z")
_SPACE = b" \t\r\n"  # what JSON allows before its first brace


def check_content_type(webhook: Webhook) -> None:
    """Raise Rejected when the Content-Type contradicts the body: a proxy or a sender has changed one of them."""
    claimed = webhook.headers.get("content-type", "").partition(";")[0].strip().lower()
    if webhook.is_form and _JSON_TYPE.match(claimed):
        msg = f"the body is a form, but its Content-Type is {claimed}: send it as {_FORM_TYPE}"
        raise Rejected(msg)
    if claimed == _FORM_TYPE and webhook.body and not webhook.is_form:
        msg = f"the body does not begin with payload=, as a form does: its Content-Type must not be {_FORM_TYPE}"
        raise Rejected(msg)


def read_payload(webhook: Webhook) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises Rejected when there is none, or when it can be read in two ways."""
    raw = webhook.json
    if not raw:
        msg = "the payload is empty: send JSON, or a form with the field payload"
        raise Rejected(msg)
    if webhook.is_form and b"&" in webhook.body:
        msg = "the form has more than one field: send the field payload alone"
        raise Rejected(msg)
    if not raw.lstrip(_SPACE).startswith(b"{"):
        msg = "the payload is not JSON: it must be a JSON object, which begins with {, or a form, with payload="
        raise Rejected(msg)
    if value_count(raw) > MAX_VALUES:
        msg = f"the payload has more than {MAX_VALUES} values: no forge sends as many; push in smaller parts"
        raise Rejected(msg)
    payload: Mapping[str, Any] = _parsed(raw)
    return payload


def value_count(raw: bytes) -> int:
    """Return how many values the JSON has at most: memory follows their number more than the bytes."""
    return sum(raw.count(sign) for sign in (b",", b"{", b"["))


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON. Python's own parser is as fast as others at this size, and shows where a name occurs twice."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # invalid UTF-8 is a ValueError too
        where = f" at line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the payload is not JSON{where}"
        raise Rejected(msg) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the payload has the field {twice[:_MAX_KIND]!r} twice in one object: send it once"
        raise Rejected(msg)
    return found


def _no_constant(name: str) -> None:
    msg = f"{name} is not JSON"
    raise ValueError(msg)
