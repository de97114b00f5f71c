"""Reads CloudEvents 1.0 from HTTP and writes their structured form, for the functions and the broker of one machine.

Both reject the same events, so an event that the broker accepts can be delivered and can be kept as a dead letter.
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pydantic_core import from_json, to_json

from functions.common.errors import Rejected
from functions.common.events.envelope import CONTENT_TYPE, SPEC_VERSION, Envelope, storable

MAX_EVENT_BYTES = 1024 * 1024  # of the structured form; NATS and Kafka carry as much by default
MAX_ATTRIBUTES = 64
MAX_NAME_LENGTH = 64  # the specification asks producers for at most 20
MAX_VALUE_BYTES = 1024
MAX_ATTRIBUTE_BYTES = 8 * 1024  # names and values together
# A broker adds these to a dead letter: they do not count, so the letter of an accepted event is accepted too.
DEAD_LETTER_PREFIX = "knativeerror"

Headers = Iterable[tuple[str, str]]

_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_REQUIRED = ("id", "source", "type")
_STRINGS = frozenset({"specversion", *_REQUIRED, "subject", "time", "datacontenttype", "dataschema"})
_CONTEXT = ("id", "source", "type", "subject", "time")
_TRACE = ("traceparent", "tracestate")
_INT32 = range(-(2**31), 2**31)

_NAME = re.compile(r"[a-z0-9]+")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - as RFC 9110 names it
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN} *(;[ -~]*)?")
_JSON_TYPE = re.compile(r"[^;]*[/+]json *(;.*)?", re.IGNORECASE)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
# What the type String excludes: control characters, surrogates, noncharacters.
_PLANE_ENDS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """`attributes` hold everything but the data, `datacontenttype` included; integers and booleans as text."""

    attributes: Mapping[str, str]
    data: bytes

    @property
    def is_json(self) -> bool:
        """Whether the data is JSON: so it is when no content type says otherwise."""
        return bool(_JSON_TYPE.fullmatch(self.attributes.get("datacontenttype", "application/json")))

    def structured(self) -> bytes:
        """Return the structured form; JSON data keeps its bytes."""
        head = to_json(self.attributes)
        if not self.data:
            return head
        if self.is_json:
            return b'%b,"data":%b}' % (head[:-1], self.data)
        return b'%b,"data_base64":"%b"}' % (head[:-1], base64.b64encode(self.data))

    def with_extensions(self, extensions: Mapping[str, str]) -> "CloudEvent":
        """Return the same event with more extensions."""
        return CloudEvent(attributes={**self.attributes, **extensions}, data=self.data)


def is_event(headers: Mapping[str, str]) -> bool:
    """Return whether these headers, lower case, announce a CloudEvent."""
    return "ce-specversion" in headers or headers.get("content-type", "").lower().startswith(_STRUCTURED)


def read_event(headers: Headers, body: bytes) -> CloudEvent:
    """Return the event of a binary or structured request. Raises Rejected naming what is wrong."""
    fields = _event_headers(headers)
    content_type = fields.get("content-type", "").lower()
    if content_type.startswith(_BATCH):
        msg = "a batch of CloudEvents is not accepted: send one event in each request"
        raise Rejected(msg)
    if content_type.startswith(_STRUCTURED):
        _check_format(content_type)
        event = _structured(body)
    else:
        event = _binary(fields, body)
    _check_attributes(event.attributes)
    return event


def read_envelope(headers: Headers, body: bytes) -> Envelope:
    """Return the event as functions handle it. Raises Rejected naming what is wrong.

    PostgreSQL does not store U+0000 in text, so in JSON data it is replaced. Data that is neither JSON nor text is
    given in base64.
    """
    event = read_event(headers, body)
    context = {name: event.attributes.get(name, "") for name in _CONTEXT}
    extensions = {name: value for name, value in event.attributes.items() if name not in _STRINGS}
    return Envelope(**context, data=_data_value(event), extensions=extensions)


def parse_json(text: bytes, *, levels_around: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text. Raises ValueError also for what JSON parsers disagree about.

    That is NaN and infinity, numbers that overflow to it, lone surrogates, a name given twice in an object, and
    nesting of more than 200 levels together with those `levels_around` it, at which pydantic gives up.
    """
    value = from_json(b"[" * levels_around + text + b"]" * levels_around, allow_inf_nan=False)
    _STRICT_DECODER.decode(text.decode())
    for _ in range(levels_around):
        (value,) = value
    return value


def check_event(event: CloudEvent) -> CloudEvent:
    """Return an event that was not read here, after the same checks. Raises Rejected naming what is wrong."""
    _check_attributes(event.attributes)
    _check_data(event)
    return event


def _check_attributes(attributes: Mapping[str, str]) -> None:
    if attributes.get("specversion") != SPEC_VERSION:
        msg = f"specversion must be {SPEC_VERSION}, not {attributes.get('specversion', '')[:20]!r}"
        raise Rejected(msg)
    for name in _REQUIRED:
        if name not in attributes:
            msg = f"the attribute {name} is missing"
            raise Rejected(msg)
    counted = {name: value for name, value in attributes.items() if not name.startswith(DEAD_LETTER_PREFIX)}
    if len(counted) > MAX_ATTRIBUTES:
        msg = f"an event may have at most {MAX_ATTRIBUTES} attributes"
        raise Rejected(msg)
    for name, value in attributes.items():
        _check_attribute(name, value)
    if sum(len(name) + len(value.encode()) for name, value in counted.items()) > MAX_ATTRIBUTE_BYTES:
        msg = f"the attributes of an event may have at most {MAX_ATTRIBUTE_BYTES} bytes together"
        raise Rejected(msg)
    if "datacontenttype" in attributes and not _MEDIA_TYPE.fullmatch(attributes["datacontenttype"]):
        msg = f"the attribute datacontenttype must be a media type, not {attributes['datacontenttype']!r}"
        raise Rejected(msg)
    if "time" in attributes and not _is_timestamp(attributes["time"]):
        msg = f"the attribute time must be an RFC 3339 timestamp, not {attributes['time']!r}"
        raise Rejected(msg)


def _check_attribute(name: str, value: str) -> None:
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or name == "data":
        msg = f"the attribute name {name[:MAX_NAME_LENGTH]!r} must be at most {MAX_NAME_LENGTH} of a-z and 0-9"
        raise Rejected(msg)
    if not value:
        msg = f"the attribute {name} must not be empty"
        raise Rejected(msg)
    if _FORBIDDEN.search(value):
        msg = f"the attribute {name} has a character that CloudEvents exclude: control, surrogate or noncharacter"
        raise Rejected(msg)
    if len(value.encode()) > MAX_VALUE_BYTES:
        msg = f"the attribute {name} may have at most {MAX_VALUE_BYTES} bytes"
        raise Rejected(msg)


def _event_headers(headers: Headers) -> dict[str, str]:
    found = dict[str, str]()
    for given, value in headers:
        name = given.lower()
        if name != "content-type" and not name.startswith("ce-"):
            continue
        if name in found:
            msg = f"the header {name[:MAX_NAME_LENGTH]} is there twice"
            raise Rejected(msg)
        found[name] = value
    return found


def _check_format(content_type: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    charset = re.search(r'charset\s*=\s*"?([^\s";]*)', parameters)
    if media_type.strip() != CONTENT_TYPE or (charset and charset[1] not in {"utf-8", "utf8"}):
        msg = f"a structured event must be {CONTENT_TYPE} in UTF-8"
        raise Rejected(msg)


def _binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    decoded = {name[3:]: _decoded_header(name, value) for name, value in headers.items() if name != "content-type"}
    if "datacontenttype" in decoded:
        msg = "the attribute datacontenttype is the header Content-Type, not ce-datacontenttype"
        raise Rejected(msg)
    attributes = _without_empty_trace(decoded)
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    event = CloudEvent(attributes=attributes, data=body)
    _check_data(event)
    return event


def _decoded_header(name: str, value: str) -> str:
    """Return an attribute's value: HTTP's quotes are removed, then percent-encoding is decoded once."""
    if not value.isascii() or _BAD_PERCENT.search(value):
        msg = f"the header {name[:MAX_NAME_LENGTH]} must be printable ASCII and percent-encode everything else"
        raise Rejected(msg)
    if quoted := _QUOTED.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        msg = f"the header {name[:MAX_NAME_LENGTH]} is not percent-encoded UTF-8"
        raise Rejected(msg) from error


def _structured(body: bytes) -> CloudEvent:
    try:
        fields = parse_json(body)
    except ValueError as error:
        msg = f"the structured event is not JSON that can be read: {error}"
        raise Rejected(msg) from error
    if not isinstance(fields, dict):
        msg = "the structured event must be a JSON object"
        raise Rejected(msg)
    data, encoded = fields.pop("data", None), fields.pop("data_base64", None)
    if data is not None and encoded is not None:
        msg = "an event has data or data_base64, not both"
        raise Rejected(msg)
    given = {name: _attribute_text(name, value) for name, value in fields.items() if value is not None}
    event = CloudEvent(attributes=_without_empty_trace(given), data=b"")
    if encoded is not None:
        event = CloudEvent(attributes=event.attributes, data=_decoded_base64(encoded))
        _check_data(event)
        return event
    if data is None:
        return event
    is_text = isinstance(data, str) and not event.is_json
    return CloudEvent(attributes=event.attributes, data=data.encode() if is_text else to_json(data))


def _check_data(event: CloudEvent) -> None:
    """Check data that came as bytes: it is JSON when the content type says so."""
    if event.data and event.is_json:
        try:
            parse_json(event.data, levels_around=1)  # it is delivered in the structured form
        except ValueError as error:
            msg = f"the data is not JSON that can be read; other data needs its content type: {error}"
            raise Rejected(msg) from error


def _without_empty_trace(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes without an empty trace context: Knative's channel on NATS writes one that is missing so."""
    return {name: value for name, value in attributes.items() if value or name not in _TRACE}


def _attribute_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if name not in _STRINGS:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) and value in _INT32:
            return str(value)
    kinds = "a string" if name in _STRINGS else "a string, a boolean or an integer of 32 bits"
    msg = f"the attribute {name[:MAX_NAME_LENGTH]} must be {kinds}"
    raise Rejected(msg)


def _decoded_base64(encoded: object) -> bytes:
    try:
        return base64.b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except ValueError as error:
        msg = "data_base64 must be base64 text"
        raise Rejected(msg) from error


def _data_value(event: CloudEvent) -> Any:  # noqa: ANN401 - any JSON value
    if not event.data:
        return {}
    if event.is_json:
        value = from_json(storable(event.data.decode()))
        return {} if value is None else value
    try:
        return event.data.decode().replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return base64.b64encode(event.data).decode()


def _without_duplicates(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        msg = "a name is there twice in an object"
        raise ValueError(msg)


def _finite(text: str) -> None:
    if math.isinf(float(text)):
        msg = "a number is too large"
        raise ValueError(msg)


_STRICT_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_float=_finite)


def _is_timestamp(text: str) -> bool:
    try:
        return bool(_RFC3339.fullmatch(text) and datetime.fromisoformat(text.upper()))
    except ValueError:
        return False
