"""Writes knative/base/event-types.yaml anew from the event classes: `python -m tests.event_types`."""

from inspect import getdoc

from functions.common.events.catalogue import all_events
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


def text() -> str:
    """Return what the file should be."""
    parts = [
        ONE.format(type=event.type, description=(getdoc(event) or "").partition("\n")[0].replace('"', "'"))
        for event in sorted(all_events(), key=lambda event: event.type)
    ]
    return HEAD + "".join(parts).removeprefix("---\n")


if __name__ == "__main__":
    FILE.write_text(text())
