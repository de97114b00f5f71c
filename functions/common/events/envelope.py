"""Slipway's CloudEvents: the envelope, and the trace it carries."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic_core import to_json

from functions.common.events.base import Cause, Event, event_id

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/cloudevents+json"
SOURCE_PREFIX = "/slipway/"

_NUL = r"\u0000"
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, kw_only=True)  # no slots: cached_property needs a __dict__
class Envelope:
    """A CloudEvent 1.0; `data` is its parsed JSON, `time` is RFC 3339, extensions are strings."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Any
    extensions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the structured form."""
        return self._json

    @cached_property
    def _json(self) -> str:
        attributes = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            **self.extensions,
            "data": self.data,
        }
        return to_json({name: value for name, value in attributes.items() if value != ""}).decode()


def from_json(text: str) -> Envelope:
    """Return the envelope of a structured event that Slipway wrote, as `storable` as one that is delivered."""
    fields = json.loads(storable(text))
    fields.pop("specversion", None)
    fields.pop("datacontenttype", None)
    known = {name: fields.pop(name, "") for name in ("id", "source", "type", "subject", "time")}
    data = fields.pop("data", {})
    return Envelope(**known, data=data, extensions={name: str(value) for name, value in fields.items()})


def storable(json_text: str) -> str:
    """Return JSON without U+0000, which PostgreSQL does not store in text."""
    return _NUL_IN_JSON.sub(r"\1\\ufffd", json_text) if _NUL in json_text else json_text


def envelop(event: Event, *, cause: Cause, time: str, discriminator: str = "", identity: str = "") -> Envelope:
    """Return the event as a CloudEvent with this cause; `identity` is its event_id when the caller has it already."""
    extensions = {
        "slipwayapp": event.app,
        "slipwayenv": event.environment,
        "slipwaypush": event.push,
        "partitionkey": event.app,
        "traceparent": cause.traceparent,
    }
    return Envelope(
        id=identity or event_id(cause, event, discriminator),
        source=SOURCE_PREFIX + cause.function,
        type=event.type,
        subject=event.subject,
        time=time,
        data=event.model_dump(mode="json"),
        extensions={name: value for name, value in extensions.items() if value},
    )


# The W3C trace context, which every event has as the extension traceparent.
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})\Z")


def continued(traceparent: str) -> str:
    """Return a traceparent for new work: the same trace with a new span, or a new trace."""
    match = _TRACEPARENT.match(traceparent)
    trace, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
