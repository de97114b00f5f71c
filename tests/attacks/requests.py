"""Requests that once harmed the broker or a function, as bytes, and their relatives."""

import json
from dataclasses import dataclass

from functions.common.runtime.cloudevent import MAX_EVENT_BYTES
from tests.attacks.events import ACCEPTED, BINARY, GOOD, REJECTED, STRUCTURED, TWICE, Case
from tests.attacks.wire import case_request, request

FLOOD = 60_000_000
EVENT = json.dumps({**GOOD, "data": {"a": [1, None, "é"]}}).encode()
_HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
_STRUCTURED = "Content-Type: application/cloudevents+json\r\n"
_CHUNKED = "Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, slots=True)
class Attack:
    """Bytes to send on a connection of their own."""

    name: str
    sent: bytes


def attacks(path: str = "/") -> list[Attack]:
    """Return those that are small enough to be mutated."""
    events = [Attack(case.name, case_request(case, path)) for case in (*REJECTED, *TWICE, *ACCEPTED)]
    return [*events, *_heads(path), *_bodies(path), *_conversations(path)]


def floods(path: str = "/") -> list[Attack]:
    """Return those that are sent once each."""
    head, flood = _HEAD.format(path=path).encode(), b"a" * FLOOD
    chunks = head + _CHUNKED.encode() + b"\r\n"
    large = MAX_EVENT_BYTES + 1
    return [
        Attack("a header of 60 MB", head + b"x: " + flood + b"\r\n\r\n"),
        Attack("an attribute of 60 MB", head + b"ce-id: " + flood + b"\r\n\r\n"),
        Attack("a target of 60 MB", b"POST /" + flood + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        Attack("a method of 60 MB", flood + b" / HTTP/1.1\r\nHost: x\r\n\r\n"),
        Attack("a trailer of 60 MB", chunks + b"1\r\na\r\n0\r\nx: " + flood + b"\r\n\r\n"),
        Attack("a chunk extension of 60 MB", chunks + b"1;" + flood + b"\r\na\r\n0\r\n\r\n"),
        Attack("a chunk size of 60 MB", chunks + flood + b"\r\n"),
        Attack("a hundred thousand headers", head + b"".join(b"x%d: 1\r\n" % n for n in range(100_000)) + b"\r\n"),
        Attack(
            "a hundred thousand attributes", head + b"".join(b"ce-x%d: 1\r\n" % n for n in range(100_000)) + b"\r\n"
        ),
        Attack("a body that is too large", case_request(Case("", list(STRUCTURED.items()), b" " * large), path)),
        Attack("a body of 60 MB", case_request(Case("", list(STRUCTURED.items()), flood), path)),
        Attack("chunks of 60 MB", chunks + (b"f4240\r\n" + b"a" * 1_000_000 + b"\r\n") * 60 + b"0\r\n\r\n"),
        *largest_events(path),
        Attack("two hundred requests at once", request([], b"", path=path).replace(b"close", b"keep-alive") * 200),
    ]


def largest_events(path: str = "/") -> list[Attack]:
    """Return events that are as large as they may be, and take the most memory."""
    return [
        Attack("an event of as many objects as fit", case_request(Case("", list(BINARY.items()), _many("{}")), path)),
        Attack("an event of as many numbers as fit", case_request(Case("", list(BINARY.items()), _many("1")), path)),
        Attack(
            "an event of one large text", case_request(Case("", list(BINARY.items()), b'"%b"' % (b"x" * 900_000)), path)
        ),
    ]


def largest_webhooks(path: str) -> list[Attack]:
    """Return webhooks without a signature that take the most memory: they are read before it is checked."""
    values = {"objects": b"{},", "numbers": b"1,", "fields": b'{"a":1},'}
    bodies = {name: b'{"commits":[' + value * (60_000 // len(value)) + b"0]}" for name, value in values.items()}
    bodies |= {f"many {name}": b'{"commits":[' + value * 80_000 + b"0]}" for name, value in values.items()}
    return [
        Attack(f"a webhook of {name}", request([("Content-Type", "application/json")], body, path=path))
        for name, body in bodies.items()
    ]


def _many(value: str) -> bytes:
    count = 900_000 // (len(value) + 1)
    return f"[{','.join([value] * count)}]".encode()


def _heads(path: str) -> list[Attack]:
    head = _HEAD.format(path=path)
    end = f"{_STRUCTURED}Content-Length: {len(EVENT)}\r\n\r\n"

    def with_event(name: str, text: str) -> Attack:
        return Attack(name, text.encode("latin-1") + end.encode() + EVENT)

    return [
        Attack("what is not HTTP", b"what is this?\r\n\r\n"),
        Attack("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n"),
        Attack("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
        Attack("HTTP/0.9", b"GET /\r\n\r\n"),
        Attack("line breaks only", b"\r\n" * 5000),
        Attack("NULs only", b"\0" * 5000),
        with_event("another version", head.replace("1.1", "9.9")),
        with_event("no host", head.replace("Host: x\r\n", "")),
        with_event("a header of 9 kB", f"{head}x: {'a' * 9000}\r\n"),
        with_event("a header of 70 kB", f"{head}x: {'a' * 70_000}\r\n"),
        with_event("a name of 9 kB", f"{head}{'a' * 9000}: x\r\n"),
        with_event("NUL in a header", f"{head}x: a\0b\r\n"),
        with_event("a header without colon", f"{head}x\r\n"),
        with_event("a header without name", f"{head}: x\r\n"),
        with_event("a folded header", f"{head}x: a\r\n b\r\n"),
        with_event("a space before the colon", f"{head}x : a\r\n"),
        with_event("underscores", f"{head}ce_id: 2\r\ncontent_length: 7\r\n"),
        with_event("lines without carriage return", head.replace("\r\n", "\n")),
        with_event("an absolute target", head.replace(path, "http://x/")),
        with_event("a target with a fragment", head.replace(path, f"{path}#a")),
        with_event("a target with odd percent signs", head.replace(path, f"{path}%zz%00%ff")),
        with_event("a path of 9 kB", head.replace(path, "/" + "a" * 9000)),
        with_event("a path upwards", head.replace(path, "/../../etc/passwd")),
        with_event("an upgrade", f"{head}Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        with_event("an unknown expectation", f"{head}Expect: miracles\r\n"),
        with_event("an unknown method", head.replace("POST", "BREW")),
        with_event("CONNECT", head.replace("POST", "CONNECT")),
        with_event("a compressed body that is none", f"{head}Content-Encoding: gzip\r\n"),
        with_event(
            "a forwarded scheme that contradicts", f"{head}X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n"
        ),
    ]


def _bodies(path: str) -> list[Attack]:
    head = _HEAD.format(path=path) + _STRUCTURED

    def body(name: str, fields: str, sent: bytes) -> Attack:
        return Attack(name, f"{head}{fields}\r\n".encode() + sent)

    size = len(EVENT)
    whole = b"%x\r\n%b\r\n" % (size, EVENT)
    return [
        body("chunks", _CHUNKED, whole + b"0\r\n\r\n"),
        body("trailers", _CHUNKED, whole + b"0\r\nce-id: 2\r\nContent-Type: text/plain\r\n\r\n"),
        body("trailers that are none", _CHUNKED, whole + b"0\r\nno colon\r\n\r\n"),
        body("a thousand trailers", _CHUNKED, whole + b"0\r\n" + b"x: 1\r\n" * 1000 + b"\r\n"),
        body("a chunk without a size", _CHUNKED, b"\r\n" + EVENT + b"\r\n0\r\n\r\n"),
        body("a chunk whose size is none", _CHUNKED, b"zz\r\n" + EVENT + b"\r\n0\r\n\r\n"),
        body("a chunk of negative size", _CHUNKED, b"-1\r\n" + EVENT + b"\r\n0\r\n\r\n"),
        body("a chunk of endless size", _CHUNKED, b"f" * 300 + b"\r\n" + EVENT),
        body("a chunk longer than its size", _CHUNKED, b"1\r\n" + EVENT + b"\r\n0\r\n\r\n"),
        body("a chunk shorter than its size", _CHUNKED, b"fff\r\n" + EVENT + b"\r\n0\r\n\r\n"),
        body("a chunk size with a sign", _CHUNKED, b"+1\r\na\r\n0\r\n\r\n"),
        body("a chunk size in another notation", _CHUNKED, b"0x1\r\na\r\n0\r\n\r\n"),
        body("a thousand chunks", _CHUNKED, b"1\r\n \r\n" * 1000 + whole + b"0\r\n\r\n"),
        body("chunks with extensions", _CHUNKED, b"1;" + b"a=b;" * 1000 + b"\r\n \r\n" + whole + b"0\r\n\r\n"),
        body("chunks without an end", _CHUNKED, whole),
        body("chunks that are compressed", "Transfer-Encoding: gzip, chunked\r\n", whole + b"0\r\n\r\n"),
        body("chunked twice", _CHUNKED + _CHUNKED, whole + b"0\r\n\r\n"),
        body("an unknown coding", "Transfer-Encoding: magic\r\n", EVENT),
        body("chunks and a length", f"{_CHUNKED}Content-Length: {size}\r\n", whole + b"0\r\n\r\n"),
        body("two lengths", f"Content-Length: {size}\r\nContent-Length: 3\r\n", EVENT),
        body("a list of lengths", f"Content-Length: {size}, {size}\r\n", EVENT),
        body("a length in words", "Content-Length: many\r\n", EVENT),
        body("a negative length", "Content-Length: -1\r\n", EVENT),
        body("a length with a sign", f"Content-Length: +{size}\r\n", EVENT),
        body("a length of 5,000 digits", f"Content-Length: {'9' * 5000}\r\n", EVENT),
        body("a length beyond 64 bits", "Content-Length: 99999999999999999999\r\n", EVENT),
        body("a length longer than the body", f"Content-Length: {size + 1}\r\n", EVENT),
        body("a length shorter than the body", f"Content-Length: {size - 1}\r\n", EVENT),
        body("no length", "", EVENT),
    ]


def _conversations(path: str) -> list[Attack]:
    good = case_request(Case("", list(STRUCTURED.items()), EVENT), path)
    kept = good.replace(b"Connection: close\r\n", b"")
    expects = kept.replace(b"Host: x\r\n", b"Host: x\r\nExpect: 100-continue\r\n")
    return [
        Attack("a good event", good),
        Attack("good events behind one another", kept * 20 + good),
        Attack("a good event and garbage", kept + b"\0" * 100 + b"\r\n\r\n"),
        Attack("a good event that ends the connection, and another", good + kept),
        Attack("a client that waits to be asked", expects + good),
        Attack("half a head", kept[:20]),
        Attack("half a body", kept[:-20]),
        Attack("nothing", b""),
        Attack("events with options", kept.replace(b"POST", b"OPTIONS") + good.replace(b"POST", b"HEAD")),
    ]
