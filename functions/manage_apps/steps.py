"""What an event of a push says to people: which step, how it stands, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.common.events.base import TYPE_PREFIX
from functions.common.ports.push_records import RecordedEvent

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
