"""The steps of a push in time order, from its recorded events."""

import operator
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from functions.common.events.steps import DETAILS, PARKED, parked_reason, step_of
from functions.common.ports.pushes import RecordedEvent
from functions.manage_apps.models import Moment, View

_RECEIVED = ("push", "received")

_Text = Annotated[str, Field(exclude_if=operator.not_)]
_Number = Annotated[int, Field(exclude_if=operator.not_)]


class StepDetails(View):
    """What is known about a step beside its state; fields without a value are left out."""

    code: _Text = ""
    build: _Text = ""
    digest: _Text = ""
    release: _Number = 0
    weight: _Number = 0
    url: _Text = ""
    host: _Text = ""
    log_tail: _Text = ""
    at: _Text = ""


class StepView(View):
    """One step of a push. `seconds` run until the next step, null for the last; `event` is the id of its event."""

    at: Moment
    step: str
    state: str
    reason: str
    seconds: float | None = None
    event: str
    details: StepDetails

    @property
    def kind(self) -> tuple[str, str]:
        """The step and its state."""
        return self.step, self.state


Steps = tuple[StepView, ...]


def steps_of(received_at: datetime, events: Iterable[RecordedEvent]) -> Steps:
    """Return the steps of a push, its receipt first."""
    receipt = StepView(at=received_at, step="push", state="received", reason="", event="", details=StepDetails())
    found = [receipt, *(step for step in map(_step, events) if step.kind != _RECEIVED)]
    ends = [*(step.at for step in found[1:]), None]
    return tuple(
        step if end is None else step.model_copy(update={"seconds": _seconds(step.at, end)})
        for step, end in zip(found, ends, strict=True)
    )


def total_seconds(steps: Steps) -> float:
    """Return the seconds from the first step to the last."""
    return round(sum(step.seconds or 0.0 for step in steps), 3)


def live_url(steps: Steps) -> str:
    """Return the URL at which the push went live, empty when it did not."""
    return next((step.details.url for step in reversed(steps) if step.details.url), "")


def last_reason(steps: Steps) -> str:
    """Return the last reason that a step gives."""
    return next((step.reason for step in reversed(steps) if step.reason), "")


def _step(event: RecordedEvent) -> StepView:
    step, state = step_of(event.type, event.data)
    if event.error:
        reason = parked_reason(event.type, subscriber=event.subscriber, error=event.error)
        return StepView(at=event.at, step=step, state=PARKED, reason=reason, event=event.id, details=StepDetails())
    return StepView(
        at=event.at,
        step=step,
        state=state,
        reason=str(event.data.get("reason", "")),
        event=event.id,
        details=_details(event.data),
    )


def _details(data: Mapping[str, Any]) -> StepDetails:
    shown = {name: data[name] for name in DETAILS if data.get(name)}
    return StepDetails.model_validate({**shown, "at": data.get("step", "")})


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)
