"""Events as messages of a stream: HTML that a page puts in its place."""

from collections.abc import Mapping
from typing import Protocol

from functions.common.events.steps import DETAILS, PARKED, parked_reason, push_state_of, step_of
from functions.common.ports.feed import FedEvent

HEARTBEAT = b": still here\n\n"


class Templates(Protocol):
    """Renders HTML."""

    def render(self, template: str, context: Mapping[str, object]) -> str:
        """Return the text of a template."""
        ...


def retry(milliseconds: int) -> bytes:
    """Return how long the browser waits before it resumes the stream."""
    return f"retry: {milliseconds}\n\n".encode()


def message(name: str, text: str, *, number: int = 0) -> bytes:
    """Return one message; a browser that resumes names the last number that it saw."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # each of the three ends a line of a stream
    lines = [f"event: {name}", *(f"data: {line}" for line in text.split("\n"))]
    if number:
        lines.append(f"id: {number}")
    return ("\n".join(lines) + "\n\n").encode()


def messages_of(event: FedEvent, templates: Templates) -> bytes:
    """Return a row of the push's timeline, the push's new state if it has one, and that something has changed."""
    step, state = step_of(event.type, event.data)
    reason = str(event.data.get("reason", ""))
    if event.error:
        state, reason = PARKED, parked_reason(event.type, subscriber=event.subscriber, error=event.error)
    shown = {
        "at": event.at,
        "step": step,
        "state": state,
        "reason": reason,
        "event": event.id,
        "details": {name: event.data[name] for name in DETAILS if event.data.get(name)},
    }
    found = message(f"step-{event.app}", templates.render("step.html", {"step": shown}), number=event.sequence)
    reached = push_state_of(step, state)
    if reached:
        found += message(f"state-{event.app}", templates.render("state.html", {"name": reached.value}))
    return found + message("changed", "")
