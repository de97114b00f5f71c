"""Explains a push: what happened to it in each app, and why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from functions.common.domain.delivery import DeliveryOutcome
from functions.common.domain.push import PushState
from functions.common.ports.pushes import DeliveryRecord, PushRecord, RecordedEvent
from functions.manage_apps.build_queue import QUEUED, Place
from functions.manage_apps.models import Moment, View
from functions.manage_apps.timeline import Steps, StepView, last_reason, live_url, steps_of, total_seconds

WAITING = "waiting"  # stored, but no function has recorded it yet
_FINAL = frozenset({"live", "failed", "superseded", "ignored", "refused"})
# The state of an explanation is the first of these that any of its pushes is in.
_PRECEDENCE = (
    "failed",
    "received",
    QUEUED,
    "building",
    "releasing",
    WAITING,
    "live",
    "superseded",
    "ignored",
    "refused",
)
_BUILDING = ("build", "running")
_NO_APP = "no app matches repo {repository}: create one with `paas apps create NAME --git-url URL`"


class DeliveryView(View):
    """A webhook delivery; `published` says whether the broker has its event, which is of the type `type`."""

    provider: str
    delivery: str
    kind: str
    outcome: str
    reason: str
    sha: str
    event: str
    type: str
    received_at: Moment
    published: bool


class PushInApp(View):
    """What became of a push in one app; both names are empty when no app matches the repository.

    `final` says whether `state` can still change; `code` and `reason` say why it is so, `step` where it ended. A push
    is queued while its build waits for its turn: `reason` says for what. `deleted` when its app was deleted since.
    """

    app: str
    environment: str
    state: str
    final: bool
    deleted: bool
    code: str
    step: str
    reason: str
    url: str
    seconds: float
    steps: tuple[StepView, ...]


class PushView(View):
    """A push."""

    id: str
    sha: str
    ref: str
    repository: str
    message: str
    author: str
    received_at: Moment
    apps: tuple[PushInApp, ...]


class Explanation(View):
    """All that is known of a commit or push.

    `state` is the first of failed, received, queued, building, releasing, waiting, live, superseded, ignored, refused
    that any of its pushes is in; `reason` belongs to it. Pushes of apps that were deleted since count when there are no
    others.
    """

    query: str
    state: str
    final: bool
    reason: str
    deliveries: tuple[DeliveryView, ...]
    pushes: tuple[PushView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A state and its reason; `deleted` when the app was deleted since."""

    state: str
    reason: str
    deleted: bool = False

    @property
    def rank(self) -> int:
        """The place of the state in the order of precedence."""
        return _PRECEDENCE.index(self.state) if self.state in _PRECEDENCE else len(_PRECEDENCE)


def explain(
    query: str,
    *,
    deliveries: tuple[DeliveryRecord, ...],
    delivered: Mapping[str, tuple[RecordedEvent, ...]],
    pushes: tuple[PushRecord, ...],
    events_of: Callable[[str], tuple[RecordedEvent, ...]],
    url_of: Callable[[PushRecord], str],
    places: Callable[[], Mapping[str, Place]],
) -> Explanation:
    """Return the explanation of all that is known under the query; `places` are those of builds that wait.

    `delivered` are the events of the pushes in `deliveries`. They were read before `pushes`: a push that has events
    but no record is then not just one that was recorded in between.
    """
    since = {one.event: one.received_at for one in reversed(deliveries)}
    records = dict[str, list[PushRecord]]()
    for record in pushes:
        records.setdefault(record.id, []).append(record)
    views = [_push(_since(records[one], since.get(one)), events_of(one), url_of) for one in records]
    views += [_unrecorded(one, delivered[one.event]) for one in deliveries if one.event in delivered.keys() - records]
    views = _queued(sorted(views, key=lambda view: view.received_at), places)
    apps = [app for view in views for app in view.apps]
    verdicts = _verdicts([app for app in apps if not app.deleted] or apps)
    # Refused and ignored deliveries count only when nothing else is known: repeats of an accepted one are ignored.
    verdicts = verdicts or [_verdict_of_delivery(one) for one in deliveries]
    first = min(verdicts, key=lambda verdict: verdict.rank)
    return Explanation(
        query=query,
        state=first.state,
        final=all(verdict.state in _FINAL for verdict in verdicts),
        reason=first.reason,
        deliveries=tuple(DeliveryView.of(one) for one in deliveries),
        pushes=tuple(views),
    )


def _verdicts(apps: Iterable[PushInApp]) -> list[Verdict]:
    """Return one verdict for each environment: that of its last push, of one that was not ignored if there is one."""
    found = dict[tuple[str, str], Verdict]()
    for app in apps:
        key = (app.app, app.environment)
        if key not in found or app.state != PushState.IGNORED or found[key].state == PushState.IGNORED:
            found[key] = Verdict(state=app.state, reason=app.reason)
    return list(found.values())


def _verdict_of_delivery(delivery: DeliveryRecord) -> Verdict:
    if delivery.outcome == DeliveryOutcome.ACCEPTED:
        reason = f"the commit came with a {delivery.kind} webhook and no push: nothing is deployed from it"
        return Verdict(state="ignored", reason=reason)
    return Verdict(state=delivery.outcome, reason=delivery.reason)


def _queued(views: list[PushView], places: Callable[[], Mapping[str, Place]]) -> list[PushView]:
    """Return the pushes with the places of builds that wait; the queue is read only when one may wait."""
    if not any(app.state == PushState.BUILDING for view in views for app in view.apps):
        return views
    waiting = places()
    return [
        view.model_copy(update={"apps": tuple(_with_place(app, waiting) for app in view.apps)}) if waiting else view
        for view in views
    ]


def _with_place(app: PushInApp, waiting: Mapping[str, Place]) -> PushInApp:
    step = next((step for step in reversed(app.steps) if step.kind == _BUILDING), None)
    place = waiting.get(step.details.build) if step else None
    if app.state != PushState.BUILDING or step is None or place is None:
        return app
    words = {"state": QUEUED, "reason": place.text}
    steps = tuple(one.model_copy(update=words) if one is step else one for one in app.steps)
    return app.model_copy(update={**words, "steps": steps})


# Pushes that functions have recorded.


def _push(
    records: list[PushRecord], events: tuple[RecordedEvent, ...], url_of: Callable[[PushRecord], str]
) -> PushView:
    first = records[0]
    return PushView(
        id=first.id,
        sha=first.sha,
        ref=first.ref,
        repository=first.repository,
        message=first.message,
        author=first.author,
        received_at=first.received_at,
        apps=tuple(_push_in_app(record, _events_of(record, events), url_of(record)) for record in records),
    )


def _push_in_app(record: PushRecord, events: list[RecordedEvent], url: str) -> PushInApp:
    steps = steps_of(record.received_at, events)
    end = record.ended_at or (events[-1].at if events else record.received_at)
    reason = record.reason or last_reason(steps)
    if not record.app and not reason:
        reason = _NO_APP.format(repository=record.repository)
    return PushInApp(
        app=record.app,
        environment=record.environment,
        state=record.state,
        final=PushState(record.state).is_final,
        deleted=False,
        code=record.code,
        step=record.step,
        reason=reason,
        url=(live_url(steps) or url) if record.state == PushState.LIVE else "",
        seconds=round((end - record.received_at).total_seconds(), 3),
        steps=steps,
    )


def _since(records: Iterable[PushRecord], delivered_at: datetime | None) -> list[PushRecord]:
    """Count from the delivery, which precedes the record."""
    return [replace(one, received_at=min(one.received_at, delivered_at or one.received_at)) for one in records]


def _events_of(record: PushRecord, events: tuple[RecordedEvent, ...]) -> list[RecordedEvent]:
    """Return the app's own events and those before any app was known."""
    return [event for event in events if event.app in {"", record.app}]


# Pushes without a record: they wait, no function could handle them, or their app was deleted.

_WAITS = "the delivery is stored, but no function has taken the push yet: it waits for the broker"
_WAITS_UNSENT = "the delivery is stored and waits for the broker: its event is not published yet; reconcile sends it"
_TAKEN = "a function has taken the push and is about to record it"
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
_BEFORE_RECORD = frozenset({("push", "received"), ("preview", "opened")})


def _unrecorded(delivery: DeliveryRecord, events: tuple[RecordedEvent, ...]) -> PushView:
    """Return the explanation of a delivered push that has no record."""
    steps = steps_of(delivery.received_at, events)
    verdict = _verdict_of_steps(delivery, steps)
    app = PushInApp(
        app=next((event.app for event in events if event.app), ""),
        environment=next((event.environment for event in events if event.environment), ""),
        state=verdict.state,
        final=verdict.state != WAITING,
        deleted=verdict.deleted,
        code="",
        step=steps[-1].step,
        reason=verdict.reason,
        url="",
        seconds=total_seconds(steps),
        steps=steps,
    )
    return PushView(
        id=delivery.event,
        sha=delivery.sha,
        ref="",
        repository="",
        message="",
        author="",
        received_at=delivery.received_at,
        apps=(app,),
    )


def _verdict_of_steps(delivery: DeliveryRecord, steps: Steps) -> Verdict:
    parked = next((step for step in steps if step.state == "parked"), None)
    if parked:
        return Verdict(state="failed", reason=parked.reason)
    ended = next((step for step in reversed(steps) if step.kind in _ENDS), None)
    if ended:
        return Verdict(state=ended.state, reason=ended.reason or _DELETED, deleted=True)
    taken = {step.kind for step in steps[1:]}
    if taken - _BEFORE_RECORD:  # later steps follow from a record, which is gone
        return Verdict(state="failed", reason=_DELETED, deleted=True)
    if taken:
        return Verdict(state=WAITING, reason=_TAKEN)
    return Verdict(state=WAITING, reason=_WAITS if delivery.published else _WAITS_UNSENT)
