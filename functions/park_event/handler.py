"""Keeps what the broker could not deliver, and ends the push that would otherwise hang."""

from functions.common.domain.push import PushState
from functions.common.events.envelope import Envelope
from functions.common.ports.dead_letters import DeadLetters
from functions.common.ports.push_ledger import PushLedger
from functions.park_event.letter import dead_letter, function_name, is_permanent

# What these cannot do keeps no push from going on.
_ASIDE = {"report-status", "upsert-dns", "issue-cert"}


def handle(event: Envelope, *, letters: DeadLetters, pushes: PushLedger) -> None:
    """Park the event; after a permanent refusal its push ends failed, transient ones are left to reconcile."""
    letter = dead_letter(event)
    letters.park(letter)
    push, app = event.extensions.get("slipwaypush", ""), event.extensions.get("slipwayapp", "")
    function = function_name(letter.subscriber) or "delivery"
    if push and is_permanent(letter.code) and function not in _ASIDE:
        reason = letter.error or f"answered {letter.code}"
        pushes.advance(push, app, PushState.FAILED, step=function, reason=reason)
