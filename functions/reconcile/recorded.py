"""Finds the recorded event that would move a push on."""

from functions.common.domain.push import Push
from functions.common.events.base import Event
from functions.common.events.envelope import Envelope
from functions.common.ports.event_log import EventLog


def newest_of(log: EventLog, push: Push, *types: type[Event]) -> Envelope | None:
    """Return the push's newest event of the first of these types that has any for its app, or for no app yet."""
    events = [event for event in log.of_push(push.id) if event.extensions.get("slipwayapp", push.app) == push.app]
    for wanted in types:
        found = [event for event in events if event.type == wanted.type]
        if found:
            return found[-1]
    return None
