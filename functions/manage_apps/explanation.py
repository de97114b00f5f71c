"""Puts together what happened to a push, and why.

    {"query", "state", "final": bool, "reason", "deliveries": [{provider, delivery, kind, outcome, reason, ...}],
     "pushes": [{"id", "sha", "ref", "repository", "message", "author", "received_at",
        "apps": [{"app", "environment", "state", "final", "code", "reason", "step", "url", "seconds", "steps": [
            {"at", "step", "state", "reason", "seconds": until the next step or null, "event", "details": {...}}]}]}]}

`state` is one word for all of it: the first of failed, running (received, building, releasing), waiting, live,
superseded, ignored, refused that anything here is in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.common.domain.delivery import DeliveryOutcome
from functions.common.domain.push import PushState
from functions.common.events.base import TYPE_PREFIX
from functions.common.ports.pushes import DeliveryRecord, PushRecord, RecordedEvent
from functions.manage_apps.views import view_of

# What an event of a push says to people: which step, how it stands, and why.

# type without prefix and version -> (step, state); {} is filled from the event's data
_STEPS: Mapping[str, tuple[str, str]] = {
    "push.received": ("push", "received"),
    "push.ignored": ("push", "ignored"),
    "push.superseded": ("push", "superseded"),
    "build.requested": ("build", "requested"),
    "build.started": ("build", "running"),
    "build.ended": ("build", "{state}"),
    "build.failed": ("build", "failed"),
    "image.published": ("image", "published"),
    "release.started": ("release", "started"),
    "workload.changed": ("release", "{phase}"),
    "release.live": ("release", "live"),
    "release.failed": ("release", "failed"),
    "release.superseded": ("release", "superseded"),
    "preview.opened": ("preview", "opened"),
    "preview.closed": ("preview", "closed"),
    "dns.ready": ("dns", "ready"),
    "dns.refused": ("dns", "refused"),
    "certificate.ready": ("certificate", "ready"),
    "certificate.failed": ("certificate", "failed"),
}
_SHOWN = ("reason", "code", "build", "digest", "release", "weight", "url", "host", "log_tail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A step's name, its state, and the details worth showing."""

    step: str
    state: str
    reason: str
    details: dict[str, Any]


def said_by(event: RecordedEvent) -> Said:
    """Return what an event says."""
    name = event.type.removeprefix(TYPE_PREFIX).removesuffix(".v1")
    step, state = _STEPS.get(name, (name.partition(".")[0], name.partition(".")[2]))
    state = state.format_map(event.data) if "{" in state else state
    if (step, state) == ("release", "live") and name == "workload.changed":
        state = "serving"  # what the deployer saw; release.live is the verdict
    details = {key: event.data[key] for key in _SHOWN[1:] if event.data.get(key)}
    reason = str(event.data.get("reason", ""))
    if event.data.get("step"):
        details["at"] = event.data["step"]
    if event.error:
        who = event.subscriber or "a function"
        return Said(step=step, state="parked", reason=f"{who} could not handle {name}: {event.error}", details={})
    return Said(step=step, state=state, reason=reason, details=details)


# The steps of a push in time order.

Steps = list[dict[str, Any]]


def steps_of(received_at: datetime, events: Iterable[RecordedEvent]) -> Steps:
    """Return the steps, the push itself first, each with the seconds until the next."""
    begun = {"step": "push", "state": "received", "reason": "", "event": "", "details": {}}
    steps = [(received_at, begun)]
    for event in events:
        said = said_by(event)
        if (said.step, said.state) != ("push", "received"):
            about = {"step": said.step, "state": said.state, "reason": said.reason, "details": said.details}
            steps.append((event.at, {**about, "event": event.id}))
    ends = [*(at for at, _ in steps[1:]), None]
    return [
        {"at": at.isoformat(), **about, "seconds": None if end is None else _seconds(at, end)}
        for (at, about), end in zip(steps, ends, strict=True)
    ]


def total(steps: Steps) -> float:
    """Return the seconds from the first step to the last."""
    return round(sum(step["seconds"] or 0.0 for step in steps), 3)


def live_url(steps: Steps) -> str:
    """Return the URL that the push went live at, empty when it did not."""
    return next((str(step["details"]["url"]) for step in reversed(steps) if "url" in step["details"]), "")


def last_reason(steps: Steps) -> str:
    """Return the last reason given by a step."""
    return next((step["reason"] for step in reversed(steps) if step["reason"]), "")


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


# Explains pushes that stand in no ledger: they wait, no function could handle them, or their app is deleted.

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
