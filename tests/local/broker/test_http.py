"""The broker's HTTP server: HTTP/1.1 as clients speak it, well and badly."""

import asyncio
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import uvloop

from functions.common.errors import Unavailable
from functions.common.runtime.cloudevent import MAX_EVENT_BYTES
from functions.local.broker.ingress import MAX_HEADERS, Ingress, Limits, serving
from functions.local.broker.jetstream import Stream
from functions.local.ports import port_reservations
from tests.patience import patient

Talk = Callable[[StreamReader, StreamWriter], Awaitable[bytes]]
EVENT = b'{"specversion":"1.0","id":"1","source":"/s","type":"t"}'
STRUCTURED = "Content-Type: application/cloudevents+json\r\n"


def talked(talk: Talk, limits: Limits | None = None) -> bytes:
    """Return what comes of a talk with a broker that has no stream: it answers good events with 503."""

    async def meet() -> bytes:
        ingress = Ingress(stream=Stream(url="nats://127.0.0.1:1", consumers=()), limits=limits or Limits())
        with port_reservations() as ports:
            port = ports.take(0)
            async with serving(ingress, port), asyncio.timeout(patient(20)):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    return await talk(reader, writer)
                finally:
                    writer.close()

    return uvloop.run(meet())


def heard(sent: bytes) -> bytes:
    """Return all that is answered when this is sent, until the connection is closed."""

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(sent)
        return await reader.read()

    return talked(talk)


def get(target: str, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def post(body: bytes, target: str = "/", headers: str = "") -> bytes:
    return get(target, "POST", f"{headers}Content-Length: {len(body)}\r\n") + body


def chunked(*parts: bytes, trailers: str = "") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    head = get("/", "POST", f"{STRUCTURED}Transfer-Encoding: chunked\r\n")
    return head + body + f"0\r\n{trailers}\r\n".encode()


def statuses(answers: bytes) -> list[int]:
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


LAST = get("/last", headers="Connection: close\r\n")


def test_requests_that_come_together_are_answered_in_order() -> None:
    several = post(EVENT, headers=STRUCTURED) + get("/") + get("/x") + post(b"{", headers=STRUCTURED) + LAST
    assert statuses(heard(several)) == [503, 405, 404, 400, 404]


def test_many_requests_that_come_together_are_all_answered() -> None:
    assert statuses(heard(get("/x") * 1000 + get("/") * 1000 + LAST)) == [404] * 1000 + [405] * 1000 + [404]


def test_what_comes_later_on_the_connection_is_answered() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        for _ in range(3):
            writer.write(get("/x"))
            await reader.readuntil(b"at /\n")
        writer.write(LAST)
        return await reader.read()

    assert statuses(talked(talk)) == [404]


def test_a_client_that_does_not_read_its_answers_gets_them_when_it_does() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(get("/x") * 5000 + LAST)
        await asyncio.sleep(0.5)
        return await reader.read()

    assert len(statuses(talked(talk))) == 5001


def test_an_answer_to_head_has_no_body() -> None:
    assert heard(get("/x", "HEAD") + LAST).count(b"one broker") == 1


@pytest.mark.parametrize("last", [LAST, b"GET /last HTTP/1.0\r\n\r\n"])
def test_nothing_is_answered_after_the_last_request(last: bytes) -> None:
    assert statuses(heard(get("/1") + last + get("/2"))) == [404, 404]


@pytest.mark.parametrize(
    "garbage",
    [
        b"what is this?\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 300 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        get("/", headers="ce-id: a\0b\r\n"),
        get("/", headers="no colon\r\n"),
    ],
)
def test_what_is_not_http_is_refused_after_the_answers_before_it(garbage: bytes) -> None:
    found = statuses(heard(get("/1") + garbage))
    assert found[0] == 404
    assert len(found) == 2
    assert found[1] in {400, 501}


def test_bodies_of_all_forms() -> None:
    """Trailers change nothing: with this specversion the event would be refused."""
    trailers = "ce-specversion: 2\r\nContent-Type: text/plain\r\n"
    several = chunked(EVENT[:9], EVENT[9:], trailers=trailers) + chunked(EVENT) + post(EVENT, headers=STRUCTURED) + LAST
    assert statuses(heard(several)) == [503, 503, 503, 404]


def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on() -> None:
    large = b"x" * (MAX_EVENT_BYTES + 1)
    several = post(large) + chunked(*[large[:65536]] * 40) + post(b"x" * MAX_EVENT_BYTES) + LAST
    assert statuses(heard(several)) == [413, 413, 400, 404]


def test_data_whose_structured_form_is_too_large_is_refused() -> None:
    headers = "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s\r\nce-type: t\r\nContent-Type: text/plain\r\n"
    sizes = (MAX_EVENT_BYTES, MAX_EVENT_BYTES * 2 // 3)  # base64 adds a third
    assert statuses(heard(b"".join(post(b"x" * size, headers=headers) for size in sizes) + LAST)) == [413, 503, 404]


def test_more_headers_than_allowed_are_refused() -> None:
    many = "".join(f"x{number}: 1\r\n" for number in range(MAX_HEADERS))
    assert statuses(heard(get("/", headers=many) + LAST)) == [431, 404]


@pytest.mark.parametrize("field", ["target", "header", "trailer"])
def test_a_head_of_60_mb_costs_nothing(field: str) -> None:
    """It is refused at once, and others are answered meanwhile."""
    flood = b"a" * 60_000_000
    attack = {
        "target": b"GET /" + flood,
        "header": b"GET / HTTP/1.1\r\nHost: x\r\nx: " + flood,
        "trailer": chunked(EVENT)[:-2] + b"x: " + flood,
    }[field]

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        _, flooding = await asyncio.open_connection(*writer.get_extra_info("peername"))
        flooding.write(attack)
        began = time.monotonic()
        writer.write(LAST)
        answer = await reader.read()
        with suppress(ConnectionError):
            await flooding.drain()
            await flooding.wait_closed()
        assert time.monotonic() - began < patient(1)
        return answer

    assert statuses(talked(talk)) == [404]


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST / HTTP/1.1\r\nHost: x\r\nx",
        get("/x") + b"GET",
        post(b"x" * 20)[:-1],
        chunked(EVENT)[:-2],
    ],
)
def test_a_client_that_stops_in_the_middle_is_cut_off(begun: bytes) -> None:
    limits = Limits(head_seconds=1, body_seconds=0.5)

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(begun)
        return await reader.read()

    assert set(statuses(talked(talk, limits))) <= {404, 408}


def test_a_client_that_dribbles_is_cut_off() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        began = time.monotonic()
        while not reader.at_eof() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.1)
        assert time.monotonic() - began < patient(5)
        return await reader.read()

    assert talked(talk, Limits(head_seconds=1)) == b""


def test_beyond_its_number_of_connections_it_says_so_and_recovers() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        others = [await asyncio.open_connection(*writer.get_extra_info("peername")) for _ in range(5)]
        writer.write(get("/x"))
        refused = await reader.read()
        for _, other in others:
            other.close()
        await asyncio.sleep(0.2)
        again, writing = await asyncio.open_connection(*writer.get_extra_info("peername"))
        writing.write(LAST)
        answer = refused + await again.read()
        writing.close()
        return answer

    assert statuses(talked(talk, Limits(connections=4))) == [503, 404]


def test_a_client_that_waits_to_be_asked_for_the_body_is_asked() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(get("/x", "POST", "Content-Length: 3\r\nExpect: 100-continue\r\n"))
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc" + LAST)
        return asked + await reader.read()

    assert statuses(talked(talk)) == [100, 404, 404]


def test_a_client_that_leaves_before_its_answer_disturbs_no_other() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        for leaving in (get("/1") + get("/2"), post(b"x" * 9)[:-1], chunked(EVENT)[:-9]):
            _, leaver = await asyncio.open_connection(*writer.get_extra_info("peername"))
            leaver.write(leaving)
            leaver.close()
            await leaver.wait_closed()
        writer.write(LAST)
        return await reader.read()

    assert statuses(talked(talk)) == [404]


def test_a_port_that_is_taken_is_named() -> None:
    async def try_to_listen(port: int) -> None:
        async with serving(Ingress(stream=Stream(url="", consumers=())), port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} "):
            uvloop.run(try_to_listen(port))
