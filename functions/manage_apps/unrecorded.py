"""Explains pushes that stand in no ledger: they wait, no function could handle them, or their app is deleted."""

from typing import Any

from functions.common.ports.push_records import DeliveryRecord, RecordedEvent
from functions.manage_apps.timeline import Steps, steps_of, total

WAITING = "waiting"
_WAITS = "the delivery is stored, but no function has taken the push yet: it waits for the broker"
_DELETED = "its app was deleted since"
_ENDS = frozenset(
    {
        ("push", "ignored"),
        ("push", "superseded"),
        ("build", "failed"),
        ("release", "live"),
        ("release", "failed"),
        ("release", "superseded"),
    }
)
_NAMES = ("app", "environment")
_BEFORE_RECORD = frozenset({("push", "received"), ("preview", "opened")})
_TAKEN = "a function has taken the push and is about to record it"
_WAITS_UNSENT = "the delivery is stored and waits for the broker: its event is not published yet; reconcile sends it"


def unrecorded(delivery: DeliveryRecord, events: tuple[RecordedEvent, ...]) -> dict[str, Any]:
    """Return the explanation of the push that a delivery told of."""
    steps = steps_of(delivery.received_at, events)
    state, reason = _verdict(delivery, steps)
    names = {name: next((getattr(one, name) for one in events if getattr(one, name)), "") for name in _NAMES}
    app = {**names, "state": state, "final": state != WAITING, "code": "", "step": steps[-1]["step"]}
    return {
        "id": delivery.event,
        "sha": delivery.sha,
        "ref": "",
        "repository": "",
        "message": "",
        "author": "",
        "received_at": delivery.received_at.isoformat(),
        "apps": [{**app, "reason": reason, "url": "", "seconds": total(steps), "steps": steps}],
    }


def _verdict(delivery: DeliveryRecord, steps: Steps) -> tuple[str, str]:
    parked = next((step for step in steps if step["state"] == "parked"), None)
    if parked:
        return "failed", parked["reason"]
    ended = next((step for step in reversed(steps) if (step["step"], step["state"]) in _ENDS), None)
    if ended:
        return ended["state"], ended["reason"] or _DELETED
    taken = {(step["step"], step["state"]) for step in steps[1:]}
    if taken - _BEFORE_RECORD:  # it was recorded then
        return "failed", _DELETED
    if taken:
        return WAITING, _TAKEN
    return WAITING, _WAITS if delivery.published else _WAITS_UNSENT
