"""All event types; `python -m tests.event_types` writes knative/base/event-types.yaml from their classes."""

import pkgutil
from importlib import import_module
from inspect import getdoc

from functions.common import events
from functions.common.events.base import Event
from tests.conftest import ROOT

FILE = ROOT / "knative" / "base" / "event-types.yaml"
HEAD = """\
# Written by `task schemas` from the event classes; change those. For people and tools that look for events:
# `kubectl get eventtypes -n slipway`. Their data is described in schemas/events.
"""
ONE = """\
---
apiVersion: eventing.knative.dev/v1beta2
kind: EventType
metadata:
  name: {type}
  namespace: slipway
spec:
  type: {type}
  description: "{description}"
  reference: {{apiVersion: eventing.knative.dev/v1, kind: Broker, name: slipway}}
"""


def all_events() -> tuple[type[Event], ...]:
    """Return every event class of functions.common.events, by type."""
    names = [module.name for module in pkgutil.iter_modules(events.__path__, f"{events.__name__}.")]
    classes = {value for name in names for value in vars(import_module(name)).values() if isinstance(value, type)}
    found = [value for value in classes if issubclass(value, Event) and "type" in vars(value)]
    return tuple(sorted(found, key=lambda event: event.type))


def text() -> str:
    """Return the content of the file."""
    parts = [
        ONE.format(type=event.type, description=(getdoc(event) or "").partition("\n")[0].replace('"', "'"))
        for event in all_events()
    ]
    return HEAD + "".join(parts).removeprefix("---\n")


if __name__ == "__main__":
    FILE.write_text(text())
