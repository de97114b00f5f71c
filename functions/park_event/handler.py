"""Keeps events that the broker could not deliver, and fails the push of an event that can never be handled."""

import base64
import binascii
from dataclasses import replace
from urllib.parse import urlsplit

from functions.common.domain.push import PushState
from functions.common.events.envelope import Envelope
from functions.common.ports.events import DeadLetter, DeadLetters
from functions.common.ports.pushes import PushLedger

_PREFIX = "knativeerror"
_RETRIED = {404, 408, 409, 429}
_NOT_NEEDED = {"report-status", "upsert-dns", "issue-cert"}  # a push goes on without them


def handle(event: Envelope, *, letters: DeadLetters, pushes: PushLedger) -> None:
    """Park the event. A permanent error fails its push; a push with a transient error is left to reconcile."""
    letter = dead_letter(event)
    letters.park(letter)
    push, app = event.extensions.get("slipwaypush", ""), event.extensions.get("slipwayapp", "")
    function = function_name(letter.subscriber) or "delivery"
    if push and is_permanent(letter.code) and function not in _NOT_NEEDED:
        reason = letter.error or f"answered {letter.code}"
        pushes.advance(push, app, PushState.FAILED, step=function, reason=reason)


def dead_letter(event: Envelope) -> DeadLetter:
    """Return the event as it was sent, and what the broker has added to it about its failure."""
    extensions = event.extensions
    plain = {name: value for name, value in extensions.items() if not name.startswith(_PREFIX)}
    code = extensions.get("knativeerrorcode", "")
    return DeadLetter(
        event=replace(event, extensions=plain),
        subscriber=extensions.get("knativeerrordest", ""),
        code=int(code) if code.isdecimal() else 0,
        error=_decoded(extensions.get("knativeerrordata", "")),
    )


def is_permanent(code: int) -> bool:
    """Return whether a retry cannot help after this answer of a subscriber."""
    return 400 <= code < 500 and code not in _RETRIED  # noqa: PLR2004 - HTTP's client errors


def function_name(subscriber: str) -> str:
    """Return the function behind a subscriber's URL: the first label of a Service's host, else the end of its path."""
    parts = urlsplit(subscriber if "//" in subscriber else f"//{subscriber}")
    host = parts.hostname or ""
    first = host.split(".")[0]
    if first and first != "localhost" and not first.isdecimal() and ":" not in host:
        return first
    return parts.path.strip("/").rpartition("/")[2]


def _decoded(data: str) -> str:
    """Decode base64 that may be cut anywhere; other data is returned as it is."""
    whole = data[: len(data) // 4 * 4]
    try:
        text = base64.b64decode(whole, validate=True).decode(errors="ignore")
    except binascii.Error:
        text = data
    return text.replace("\0", "").strip()
