"""Keeps events that the broker could not deliver, and fails the push of an event that can never be handled.

What the request says of the event and of its end proves nothing: the event is the recorded one, and a push fails only
when a function recorded that it rejected the event.
"""

import base64
import binascii
from dataclasses import replace

from functions.common.domain.push import PushState
from functions.common.events.envelope import Envelope
from functions.common.ports.events import DeadLetter, DeadLetters, EventLog
from functions.common.ports.pushes import PushLedger

_PREFIX = "knativeerror"
_OWN_ATTRIBUTES = ("slipwayapp", "slipwayenv", "slipwaypush", "partitionkey")
_NOT_NEEDED = {"report-status", "upsert-dns", "issue-cert"}  # a push goes on without them


def handle(event: Envelope, *, letters: DeadLetters, log: EventLog, pushes: PushLedger) -> None:
    """Park the event. A rejected one fails its push; a push whose event failed otherwise is left to reconcile."""
    letter = dead_letter(event)
    recorded = log.find(event.id, source=event.source)
    if recorded is None or recorded.type != event.type:
        letters.park(replace(letter, event=without_app(letter.event)))
        return
    letters.park(replace(letter, event=recorded))
    push, app = recorded.extensions.get("slipwaypush", ""), recorded.extensions.get("slipwayapp", "")
    needed = [found for found in sorted(log.rejections(recorded).items()) if found[0] not in _NOT_NEEDED]
    if push and needed:
        ((function, reason), *_) = needed
        pushes.advance(push, app, PushState.FAILED, step=function, reason=reason)


def without_app(event: Envelope) -> Envelope:
    """Return an event of others without the app and push that it names: only recorded events have any."""
    extensions = {name: value for name, value in event.extensions.items() if name not in _OWN_ATTRIBUTES}
    return replace(event, extensions=extensions)


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


def _decoded(data: str) -> str:
    """Decode base64 that may be cut anywhere; other data is returned as it is."""
    whole = data[: len(data) // 4 * 4]
    try:
        text = base64.b64decode(whole, validate=True).decode(errors="ignore")
    except binascii.Error:
        text = data
    return text.replace("\0", "").strip()
