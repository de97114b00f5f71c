"""Reads a CloudEvent from an HTTP request, refusing what the specification refuses."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudevents.exceptions import GenericException
from cloudevents.http import from_http

from functions.common.errors import Rejected
from functions.common.events.envelope import CONTENT_TYPE, SPEC_VERSION, Envelope

_CONTEXT = ("id", "source", "type", "subject", "time")
_NOT_EXTENSIONS = (*_CONTEXT, "specversion", "datacontenttype", "dataschema")
_PAYLOAD = ("data", "data_base64")
_TRACE = ("traceparent", "tracestate")
_NAME = re.compile(r"^[a-z0-9]+\Z")
_MEDIA_TYPE = re.compile(r"^[\w.+-]+/[\w.+-]+\s*(;.*)?\Z")
_RFC3339 = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


def read_cloudevent(headers: Mapping[str, str], body: bytes) -> Envelope:
    """Return the event of a binary or structured request; header names are in lower case.

    Raises Rejected naming what is wrong.
    """
    content_type = headers.get("content-type", "")
    if content_type.startswith("application/cloudevents-batch"):
        msg = "a batch of CloudEvents is not accepted: send one event a request"
        raise Rejected(msg)
    if content_type.startswith(CONTENT_TYPE):
        _check(_without_empty_trace(_structured(body)))  # the SDK folds case and drops what the specification forbids
    try:
        event = from_http(dict(headers), body)
    except (GenericException, ValueError, TypeError, AttributeError) as error:
        msg = f"not a CloudEvent 1.0: {error}"
        raise Rejected(msg) from error
    attributes = _without_empty_trace(event.get_attributes())
    _check(attributes)
    context = {name: str(attributes.get(name) or "") for name in _CONTEXT}
    extensions = {name: str(value) for name, value in attributes.items() if name not in _NOT_EXTENSIONS}
    return Envelope(**context, data={} if event.data is None else event.data, extensions=extensions)


def _structured(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        msg = f"the structured event is no JSON: {error}"
        raise Rejected(msg) from error
    if not isinstance(fields, dict) or all(name in fields for name in _PAYLOAD):
        msg = "a structured event is one JSON object with data or data_base64, not both"
        raise Rejected(msg)
    return {name: value for name, value in fields.items() if name not in _PAYLOAD and value is not None}


def _without_empty_trace(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes without a trace context that is empty: so Knative's channel on NATS writes one it lacks."""
    return {name: value for name, value in attributes.items() if value or name not in _TRACE}


def _check(attributes: Mapping[str, Any]) -> None:
    if attributes.get("specversion") != SPEC_VERSION:
        msg = f"specversion must be {SPEC_VERSION}, not {attributes.get('specversion')!r}"
        raise Rejected(msg)
    for name in ("id", "source", "type"):
        if not isinstance(attributes.get(name), str):
            msg = f"attribute {name} must be a non-empty string"
            raise Rejected(msg)
    for name, value in attributes.items():
        if not _NAME.match(name):
            msg = f"attribute name {name!r} must be lower-case letters and digits"
            raise Rejected(msg)
        if isinstance(value, dict | list | float) or value == "":
            msg = f"attribute {name} must be a non-empty string, an integer or a boolean"
            raise Rejected(msg)
    if "datacontenttype" in attributes and not _MEDIA_TYPE.match(str(attributes["datacontenttype"] or "a/b")):
        msg = f"attribute datacontenttype must be a media type, not {attributes['datacontenttype']!r}"
        raise Rejected(msg)
    _check_time(attributes.get("time"))


def _check_time(time: object) -> None:
    if time is None:
        return
    try:
        understood = bool(_RFC3339.match(str(time)) and datetime.fromisoformat(str(time).upper()))
    except ValueError:
        understood = False
    if not understood:
        msg = f"attribute time must be an RFC 3339 timestamp, not {time!r}"
        raise Rejected(msg)
