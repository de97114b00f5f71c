"""The steps of a push, as its recorded events show them."""

from collections.abc import Mapping
from typing import Any

from functions.common.domain.push import PushState
from functions.common.events.base import TYPE_PREFIX

# Event type without prefix and version -> (step, state); {} is filled from the event's data.
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
_PUSH_STATES = {
    ("push", "ignored"): PushState.IGNORED,
    ("push", "superseded"): PushState.SUPERSEDED,
    ("build", "running"): PushState.BUILDING,
    ("build", "failed"): PushState.FAILED,
    ("release", "started"): PushState.RELEASING,
    ("release", "live"): PushState.LIVE,
    ("release", "failed"): PushState.FAILED,
    ("release", "superseded"): PushState.SUPERSEDED,
}
PARKED = "parked"
# What is shown of an event's data beside its state and reason.
DETAILS = ("code", "build", "digest", "release", "weight", "url", "host", "log_tail")


def short_name(event_type: str) -> str:
    """Return an event type without its prefix and version, for example build.started."""
    return event_type.removeprefix(TYPE_PREFIX).removesuffix(".v1")


def step_of(event_type: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the step and its state that an event stands for."""
    name = short_name(event_type)
    step, state = _STEPS.get(name, (name.partition(".")[0], name.partition(".")[2]))
    state = state.format_map(data) if "{" in state else state
    if name == "workload.changed" and state == "live":
        state = "serving"  # the deployer's observation; release.live is the verdict
    return step, state


def parked_reason(event_type: str, *, subscriber: str, error: str) -> str:
    """Return why a step stopped, for an event that a function could not handle."""
    return f"{subscriber or 'a function'} could not handle {short_name(event_type)}: {error}"


def push_state_of(step: str, state: str) -> PushState | None:
    """Return the state that a push has from this step on; None when the step does not change it."""
    return _PUSH_STATES.get((step, state))
