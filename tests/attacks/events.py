"""Events over HTTP that must be rejected with 400, and events at the edge that must be accepted, in both HTTP forms."""

import json
from dataclasses import dataclass, field
from typing import Any

from functions.common.runtime.cloudevent import MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES, MAX_NAME_LENGTH, MAX_VALUE_BYTES

STRUCTURED = {"content-type": "application/cloudevents+json"}
GOOD = {"specversion": "1.0", "id": "1", "source": "/tests", "type": "dev.test"}
BINARY = {f"ce-{name}": value for name, value in GOOD.items()} | {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Case:
    """One request; a list of headers can hold one twice."""

    name: str
    headers: list[tuple[str, str]] = field(default_factory=lambda: list(STRUCTURED.items()))
    body: bytes = b""


def structured(name: str, **change: Any) -> Case:  # noqa: ANN401 - any JSON value
    """Return the good event in the structured form with some members changed, or removed where None."""
    members = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    return Case(name, body=json.dumps(members).encode())


def raw(name: str, members: str) -> Case:
    """Return the good event in the structured form with JSON text added to its members."""
    return Case(name, body=json.dumps(GOOD)[:-1].encode() + b"," + members.encode() + b"}")


def binary(name: str, body: bytes = b"{}", *more: tuple[str, str], **change: str | None) -> Case:
    """Return the good event in the binary form with headers changed, removed where None, or added."""
    headers = {**BINARY, **{key.replace("_", "-"): value for key, value in change.items()}}
    return Case(name, [(key, value) for key, value in headers.items() if value is not None] + list(more), body)


def nested(levels: int, kind: str = "[]") -> str:
    """Return JSON of so many levels."""
    opening = kind[0] if kind == "[]" else '{"a":'
    return opening * levels + "1" + kind[1] * levels


_MANY = {f"x{number}": "1" for number in range(MAX_ATTRIBUTES)}
_LARGE = {f"x{number}": "v" * MAX_VALUE_BYTES for number in range(MAX_ATTRIBUTE_BYTES // MAX_VALUE_BYTES)}

REJECTED = [
    structured("no specversion", specversion=None),
    structured("another specversion", specversion="0.3"),
    structured("specversion as a number", specversion=1.0),
    structured("no id", id=None),
    structured("empty id", id=""),
    structured("numeric id", id=7),
    structured("object as id", id={}),
    structured("no source", source=None),
    structured("empty type", type=""),
    structured("empty subject", subject=""),
    structured("time without seconds", time="2018-04-05T18:31Z"),
    structured("time out of range", time="2018-04-05T18:31:00+25:00"),
    structured("time in words", time="lunchtime"),
    structured("time in other digits", time="٢٠١٨-04-05T18:31:00Z"),
    structured("content type without subtype", datacontenttype="xyz"),
    structured("content type with NUL", datacontenttype="application/json\0"),
    structured("content type with a line break", datacontenttype="application/json\r\nce-id: 2"),
    structured("content type with a line break in a parameter", datacontenttype="application/json; a=b\nc"),
    structured("content type beyond ASCII", datacontenttype="application/jsön"),
    structured("content type of 2,000 characters", datacontenttype="application/" + "x" * 2000),
    structured("capitals in a name", MyExtension="bad"),
    structured("a dot in a name", **{"my.extension": "bad"}),
    structured("an empty name", **{"": "bad"}),
    structured("a long name", **{"x" * (MAX_NAME_LENGTH + 1): "bad"}),
    structured("NUL in a name", **{"a\0": "bad"}),
    structured("a line break after a name", **{"abc\n": "bad"}),
    structured("a fraction", extension=1.5),
    structured("an integer as a fraction", extension=1.0),
    structured("an array", extension=[1]),
    structured("an integer beyond 32 bits", extension=2**31),
    structured("an integer below 32 bits", extension=-(2**31) - 1),
    structured("both kinds of data", data={}, data_base64="e30="),
    structured("data that is no base64", data_base64="!"),
    structured("data_base64 as a number", data_base64=7),
    structured("data_base64 that should be JSON", data_base64="/w==", datacontenttype="application/json"),
    structured("a type of 4,100 characters", type="x" * 4100),
    structured("a type one too long", type="x" * (MAX_VALUE_BYTES + 1)),
    structured("a type whose UTF-8 is too long", type="ü" * (MAX_VALUE_BYTES // 2 + 1)),
    structured("an extension of 20 kB", extension="x" * 20_000),
    structured("300 extensions", **{f"x{number}": "1" for number in range(300)}),
    structured("one attribute too many", **dict(list(_MANY.items())[: MAX_ATTRIBUTES - 3])),
    structured("attributes too large together", **_LARGE),
    structured("NUL in an id", id="a\0b"),
    structured("a line break in an id", id="a\nb"),
    structured("a control character of C1", subject="a\x85b"),
    structured("DEL in a source", source="/\x7f"),
    structured("a noncharacter", subject="a\ufffeb"),
    structured("a noncharacter of a later plane", subject="a\U0001ffffb"),
    raw("a lone surrogate in an attribute", '"subject":"\\ud800"'),
    raw("a lone low surrogate in an attribute", '"subject":"\\udc00x"'),
    raw("a lone surrogate in the data", '"data":{"a":"\\ud800"}'),
    raw("a lone surrogate in a name in the data", '"data":{"\\ud800":1}'),
    raw("NaN", '"data":NaN'),
    raw("infinity", '"data":[-Infinity]'),
    raw("a number that overflows to infinity", '"data":1e400'),
    raw("a number of 5,000 digits", '"data":' + "1" * 5000),
    raw("NaN in an extension", '"extension":NaN'),
    raw("10,000 arrays deep", '"data":' + nested(10_000)),
    raw("10,000 objects deep", '"data":' + nested(10_000, "{}")),
    raw("200 levels and the event's", '"data":' + nested(200)),
    raw("an attribute twice", '"id":"2"'),
    raw("data twice", '"data":1,"data":2'),
    raw("a name in the data twice", '"data":{"a":1,"a":2}'),
    raw("a trailing comma", '"data":1,'),
    Case("an empty body"),
    Case("an array", body=b"[]"),
    Case("a number", body=b"7"),
    Case("half an object", body=b"{"),
    Case("no UTF-8", body=b"\xff"),
    Case("UTF-16", body=json.dumps(GOOD).encode("utf-16")),
    Case("a byte order mark", body=b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    Case("something after the object", body=json.dumps(GOOD).encode() + b"{}"),
    Case("a batch", [("content-type", "application/cloudevents-batch+json")], json.dumps([GOOD]).encode()),
    Case("a batch in capitals", [("content-type", "Application/CloudEvents-Batch+JSON")], json.dumps([GOOD]).encode()),
    Case("another format", [("content-type", "application/cloudevents+avro")], json.dumps(GOOD).encode()),
    Case(
        "another character set",
        [("content-type", "application/cloudevents+json; charset=utf-16")],
        json.dumps(GOOD).encode(),
    ),
    binary("binary without an id", ce_id=None),
    binary("binary with an empty id", ce_id=""),
    binary("binary without a type", ce_type=None),
    binary("binary with another specversion", ce_specversion="2.0"),
    binary("binary with a hyphen in a name", b"{}", ("ce-my-ext", "x")),
    binary("binary with the attribute data", b"{}", ("ce-data", "x")),
    binary("binary with ce-datacontenttype", b"{}", ("ce-datacontenttype", "text/plain")),
    binary("a percent sign that encodes nothing", ce_subject="100%"),
    binary("percent and no hexadecimal digits", ce_subject="%zz"),
    binary("percent-encoding that is no UTF-8", ce_subject="%ff"),
    binary("a percent-encoded surrogate", ce_subject="%ED%A0%80"),
    binary("a percent-encoded NUL", ce_subject="a%00b"),
    binary("a percent-encoded line break", ce_id="a%0D%0Ab"),
    binary("characters beyond ASCII", ce_subject="caf\xe9"),
    binary("binary with a long type", ce_type="x" * 4100),
    binary("binary with a content type that is none", content_type="json"),
    binary("binary with 300 extensions", b"{}", *((f"ce-x{number}", "1") for number in range(80))),
    binary("binary data that is no JSON", b"hello"),
    binary("binary data without a content type that is no JSON", b"hello", content_type=None),
    binary("two values where one should be", b"1,2"),
    binary("an array that is closed too early", b"1],[2"),
    binary("binary data with NaN", b'{"a":NaN}'),
    binary("binary data 10,000 deep", nested(10_000).encode()),
    binary("binary data 200 deep", nested(200).encode()),
    binary("binary data with a lone surrogate", b'"\\ud800"'),
    binary("binary data with a name twice", b'{"a":1,"a":2}'),
]

TWICE = [  # gunicorn joins such headers before a function sees them
    binary("an id twice", b"{}", ("ce-id", "2")),
    binary("an id twice in capitals", b"{}", ("CE-ID", "1")),
    binary("a content type twice", b"{}", ("content-type", "text/plain")),
]

ACCEPTED = [
    structured("the least"),
    structured("all that is null", subject=None, time=None),
    structured("a time in nanoseconds", time="2026-01-02T03:04:05.123456789Z"),
    structured("a time in small letters", time="2026-01-02t03:04:05z"),
    structured("a type as long as it may be", type="x" * MAX_VALUE_BYTES),
    structured("a name as long as it may be", **{"x" * MAX_NAME_LENGTH: "1"}),
    structured("as many attributes as there may be", **dict(list(_MANY.items())[: MAX_ATTRIBUTES - 4])),
    structured("integers and booleans", least=-(2**31), most=2**31 - 1, yes=True, no=False),
    structured("characters beyond ASCII", subject="café 漢字 😀"),
    structured("an empty trace context", traceparent="", tracestate=""),
    structured("text", datacontenttype="text/plain", data="a\0b"),
    structured("bytes", datacontenttype="application/octet-stream", data_base64="/w=="),
    structured("JSON in base64", data_base64="e30="),
    structured("NUL in the data", data={"a\0": "b\0"}),
    structured(
        "the dead letter of the largest event",
        **dict(list(_LARGE.items())[:-1]),
        knativeerrordest="x" * MAX_VALUE_BYTES,
        knativeerrorcode=500,
        knativeerrordata="x" * MAX_VALUE_BYTES,
    ),
    raw("198 levels and the event's", '"data":' + nested(198)),
    raw("a number of 4,000 digits", '"data":' + "1" * 4000),
    Case(
        "a character set",
        [("content-type", 'Application/CloudEvents+JSON; Charset="UTF-8"')],
        json.dumps(GOOD).encode(),
    ),
    binary("binary"),
    binary("binary without data", b"", content_type=None),
    binary("binary with parameters", content_type="application/json; charset=utf-8"),
    binary("percent-encoding", ce_subject="caf%C3%A9%20%25"),
    binary("quotes", ce_subject='"a \\"b\\""'),
    binary("text that is no JSON", b"hello", content_type="text/plain"),
    binary("bytes that are no text", b"\xff\0", content_type="application/octet-stream"),
    binary("binary data 199 deep", nested(199).encode()),
]
