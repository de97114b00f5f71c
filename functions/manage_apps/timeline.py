"""The steps of a push in time order."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from functions.common.ports.push_records import RecordedEvent
from functions.manage_apps.steps import said_by

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
