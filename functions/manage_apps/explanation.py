"""Puts together what happened to a push, and why.

    {"query", "state", "final": bool, "reason", "deliveries": [{provider, delivery, kind, outcome, reason, ...}],
     "pushes": [{"id", "sha", "ref", "repository", "message", "author", "received_at",
        "apps": [{"app", "environment", "state", "final", "code", "reason", "step", "url", "seconds", "steps": [
            {"at", "step", "state", "reason", "seconds": until the next step or null, "event", "details": {...}}]}]}]}

`state` is one word for all of it: the first of failed, running (received, building, releasing), waiting, live,
superseded, ignored, refused that anything here is in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from functions.common.domain.delivery import DeliveryOutcome
from functions.common.domain.push import PushState
from functions.common.ports.push_records import DeliveryRecord, PushRecord, RecordedEvent
from functions.manage_apps.timeline import last_reason, live_url, steps_of
from functions.manage_apps.unrecorded import WAITING, unrecorded
from functions.manage_apps.views import view_of

_WEIGHT = ("failed", "received", "building", "releasing", WAITING, "live", "superseded", "ignored", "refused")
_NO_APP = "no app matches repo {repository}: create one with `paas apps create NAME --git-url URL`"


def explain(
    query: str,
    *,
    deliveries: tuple[DeliveryRecord, ...],
    begun: Mapping[str, tuple[RecordedEvent, ...]],
    pushes: tuple[PushRecord, ...],
    events_of: Callable[[str], tuple[RecordedEvent, ...]],
    url_of: Callable[[PushRecord], str],
) -> dict[str, Any]:
    """Return the explanation of all that is known under the query.

    `begun` are the events of the pushes that deliveries told of, read before `pushes` were: what they show of a
    push that stands in no ledger is then not just newer than the ledger.
    """
    since = {one.event: one.received_at for one in reversed(deliveries)}
    rows = dict[str, list[PushRecord]]()
    for row in pushes:
        rows.setdefault(row.id, []).append(row)
    explained = [_push(_since(rows[one], since.get(one)), events_of(one), url_of) for one in rows]
    known = {push["id"] for push in explained}
    others = [unrecorded(one, begun[one.event]) for one in deliveries if one.event in begun.keys() - known]
    states = _standing(app for push in (*explained, *others) for app in push["apps"])
    # A refused or ignored delivery decides only when nothing else is known: repeats of a good one are ignored.
    states = states or [_outcome(one) for one in deliveries]
    state, reason = min(states, key=lambda pair: _rank(pair[0]))
    return {
        "query": query,
        "state": state,
        "final": all(_final(each) for each, _ in states),
        "reason": reason,
        "deliveries": [view_of(one) for one in deliveries],
        "pushes": [*explained, *others],
    }


def _outcome(delivery: DeliveryRecord) -> tuple[str, str]:
    """Return state and reason of a delivery that is no push; a tag or a pull request deploys nothing by itself."""
    if delivery.outcome == DeliveryOutcome.ACCEPTED:
        return "ignored", f"only a {delivery.kind} webhook told of this commit, no push: nothing is deployed from it"
    return delivery.outcome, delivery.reason


def _standing(apps: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return state and reason for each environment: those of its last push that was not ignored, if one was not."""
    standing = dict[tuple[str, str], tuple[str, str]]()
    for app in apps:
        key, state = (app["app"], app["environment"]), app["state"]
        if key not in standing or state != PushState.IGNORED or standing[key][0] == PushState.IGNORED:
            standing[key] = (state, app["reason"])
    return list(standing.values())


def _push(
    rows: list[PushRecord], events: tuple[RecordedEvent, ...], url_of: Callable[[PushRecord], str]
) -> dict[str, Any]:
    first = rows[0]
    shown = ("id", "sha", "ref", "repository", "message", "author")
    head = {name: getattr(first, name) for name in shown} | {"received_at": first.received_at.isoformat()}
    return {**head, "apps": [_app(row, _events_of(row, events), url_of(row)) for row in rows]}


def _since(rows: Iterable[PushRecord], delivered_at: datetime | None) -> list[PushRecord]:
    """Count from the delivery, which comes before any function has the push."""
    return [replace(row, received_at=min(row.received_at, delivered_at or row.received_at)) for row in rows]


def _events_of(row: PushRecord, events: tuple[RecordedEvent, ...]) -> list[RecordedEvent]:
    """Keep the app's own events and those before any app was known (the push itself)."""
    return [event for event in events if event.app in {"", row.app}]


def _app(row: PushRecord, events: list[RecordedEvent], url: str) -> dict[str, Any]:
    steps = steps_of(row.received_at, events)
    end = row.ended_at or (events[-1].at if events else row.received_at)
    reason = row.reason or last_reason(steps)
    if not row.app and not reason:
        reason = _NO_APP.format(repository=row.repository)
    return {
        "app": row.app,
        "environment": row.environment,
        "state": row.state,
        "final": PushState(row.state).is_final,
        "code": row.code,
        "step": row.step,
        "reason": reason,
        "url": (live_url(steps) or url) if row.state == PushState.LIVE else "",
        "seconds": round((end - row.received_at).total_seconds(), 3),
        "steps": steps,
    }


def _rank(state: str) -> int:
    return _WEIGHT.index(state) if state in _WEIGHT else len(_WEIGHT)


def _final(state: str) -> bool:
    return state in {"live", "failed", "superseded", "ignored", "refused"}
