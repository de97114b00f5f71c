"""CloudEvents 1.0 over HTTP, read as strictly as the specification asks."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from functions.common.errors import Rejected

# An event on its way through the bridge: attributes as text, data as the bytes that came in.

# The HTTP binding: space, double quote, percent and all but printable ASCII are percent-encoded.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_QUOTED = lru_cache(4096)(lambda value: quote(value, safe=_SAFE))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent:
    """`attributes` hold everything but the data, `datacontenttype` included."""

    attributes: Mapping[str, str]
    data: bytes

    def frame(self) -> bytes:
        """Return it as one message of the stream: a line of JSON, then the data."""
        return json.dumps(self.attributes, separators=(",", ":")).encode() + b"\n" + self.data

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the HTTP headers of the binary mode."""
        headers = []
        for name, value in self.attributes.items():
            if name == "datacontenttype":
                headers.append((b"content-type", value.encode("latin-1", "replace")))
            else:
                headers.append((b"ce-" + name.encode(), _QUOTED(value).encode()))
        return headers

    def having(self, extensions: Mapping[str, str]) -> "WireEvent":
        """Return the same event with more extensions."""
        return WireEvent(attributes={**self.attributes, **extensions}, data=self.data)


def unframe(message: bytes) -> WireEvent:
    """Return the event of a message of the stream."""
    head, _, data = message.partition(b"\n")
    return WireEvent(attributes=json.loads(head), data=data)


# Reads CloudEvents 1.0 from HTTP, as strictly as the specification's vectors ask.

_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_NAME = re.compile(r"[a-z0-9]+")
_MEDIA_TYPE = re.compile(r"[\w.+*-]+/[\w.+*-]+\s*(;.*)?")
_JSON_TYPE = re.compile(r"[\w.+*-]+/([\w.*-]+\+)?json\s*(;.*)?", re.IGNORECASE)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def is_event(headers: Mapping[str, str]) -> bool:
    """Return whether these headers, lower case, claim to be a CloudEvent's."""
    return "ce-specversion" in headers or headers.get("content-type", "").startswith(_STRUCTURED)


def read_event(headers: Mapping[str, str], body: bytes) -> WireEvent:
    """Return the event; header names are in lower case. Raises Rejected naming what is wrong."""
    content_type = headers.get("content-type", "")
    if content_type.startswith(_BATCH):
        msg = "batches of events are not accepted: send one event in each request"
        raise Rejected(msg)
    event = _structured(body) if content_type.startswith(_STRUCTURED) else _binary(headers, body)
    _check(event.attributes)
    return event


def _binary(headers: Mapping[str, str], body: bytes) -> WireEvent:
    attributes = {
        name[3:]: unquote(value) if "%" in value else value for name, value in headers.items() if name[:3] == "ce-"
    }
    if "datacontenttype" in attributes:
        msg = "the attribute datacontenttype is the header Content-Type, not ce-datacontenttype"
        raise Rejected(msg)
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    return WireEvent(attributes=attributes, data=body)


def _structured(body: bytes) -> WireEvent:
    try:
        fields: Any = json.loads(body)
    except ValueError as error:
        msg = f"the structured event is no JSON: {error}"
        raise Rejected(msg) from error
    if not isinstance(fields, dict):
        msg = "the structured event is no JSON object"
        raise Rejected(msg)
    data, coded = fields.pop("data", None), fields.pop("data_base64", None)
    if data is not None and coded is not None:
        msg = "an event has data or data_base64, not both"
        raise Rejected(msg)
    attributes = {name: _text(name, value) for name, value in fields.items() if value is not None}
    if coded is not None:
        return WireEvent(attributes=attributes, data=_decoded(coded))
    if data is None:
        return WireEvent(attributes=attributes, data=b"")
    media = attributes.setdefault("datacontenttype", "application/json")
    if isinstance(data, str) and not _JSON_TYPE.fullmatch(media):
        return WireEvent(attributes=attributes, data=data.encode())
    return WireEvent(attributes=attributes, data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


def _decoded(coded: object) -> bytes:
    try:
        return base64.b64decode(coded if isinstance(coded, str) else "?", validate=True)
    except binascii.Error as error:
        msg = "data_base64 is no base64 text"
        raise Rejected(msg) from error


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if name in {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}:
        msg = f"attribute {name} must be a string"
        raise Rejected(msg)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    msg = f"extension {name} must be a string, a whole number or a boolean"
    raise Rejected(msg)


def _check(attributes: Mapping[str, str]) -> None:
    if attributes.get("specversion") != "1.0":
        msg = f"specversion must be 1.0, not {attributes.get('specversion', '')!r}"
        raise Rejected(msg)
    for name in ("id", "source", "type"):
        if name not in attributes:
            msg = f"attribute {name} is missing"
            raise Rejected(msg)
    for name, value in attributes.items():
        if not value:
            msg = f"attribute {name} must not be empty"
            raise Rejected(msg)
        if not _NAME.fullmatch(name):
            msg = f"attribute name {name!r} may have lower-case letters and digits only"
            raise Rejected(msg)
    if "datacontenttype" in attributes and not _MEDIA_TYPE.fullmatch(attributes["datacontenttype"]):
        msg = f"datacontenttype {attributes['datacontenttype']!r} is no media type"
        raise Rejected(msg)
    if "time" in attributes and not _is_time(attributes["time"]):
        msg = f"time {attributes['time']!r} is no RFC 3339 timestamp"
        raise Rejected(msg)


def _is_time(text: str) -> bool:
    try:
        return bool(_RFC3339.fullmatch(text) and datetime.fromisoformat(text.upper()))
    except ValueError:
        return False
