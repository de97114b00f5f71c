"""The broker's door: HTTP/1.1 as clients speak it, well and badly."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from functions.common.errors import Unavailable
from functions.local.broker.ingress import LARGE, MAX_SIDE_BY_SIDE, Answer, Reply, Request, listening
from functions.local.ports import port_reservations
from tests.patience import patient

MAX_BODY = 2 * LARGE
Talk = Callable[[StreamReader, StreamWriter], Awaitable[bytes]]


async def _echo(request: Request) -> Reply:
    if request.target == "/broken":
        raise ZeroDivisionError
    size = "too large" if request.body is None else str(len(request.body))
    return Reply(status=200, text=f"<{request.method} {request.target} {size}>".encode())


def _talked(talk: Talk, answer: Answer = _echo) -> bytes:
    """Return what comes of a talk with a door."""

    async def meet() -> bytes:
        with port_reservations() as ports:
            port = ports.take(0)
            async with listening(port, answer, max_body=MAX_BODY), asyncio.timeout(patient(20)):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    return await talk(reader, writer)
                finally:
                    writer.close()

    return uvloop.run(meet())


def _heard(sent: bytes, answer: Answer = _echo) -> bytes:
    """Return all that is answered when this is sent, until the connection is closed."""

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(sent)
        return await reader.read()

    return _talked(talk, answer)


def _get(target: str, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def _post(body: bytes, target: str = "/") -> bytes:
    return _get(target, "POST", f"Content-Length: {len(body)}\r\n") + body


LAST = _get("/last", headers="Connection: close\r\n")


def test_requests_that_come_together_are_worked_on_side_by_side_and_answered_in_order() -> None:
    both, first_may_go = asyncio.Barrier(2), asyncio.Event()

    async def answer(request: Request) -> Reply:
        await both.wait()
        if request.target == "/1":
            await first_may_go.wait()
        first_may_go.set()
        return Reply(status=200, text=request.target.encode())

    heard = _heard(_get("/1") + _get("/2", headers="Connection: close\r\n"), answer)

    assert heard.index(b"/1") < heard.index(b"/2")


def test_what_comes_meanwhile_is_answered_next() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        for number in range(3):
            writer.write(_get(f"/{number}"))
            await reader.readuntil(b"200 OK")
        writer.write(LAST)
        return await reader.read()

    assert b" /last " in _talked(talk)


def test_more_than_it_works_on_at_once_waits_and_is_answered() -> None:
    targets = [f"/{number}" for number in range(5 * MAX_SIDE_BY_SIDE)]
    side_by_side, most = 0, 0

    async def answer(request: Request) -> Reply:
        nonlocal side_by_side, most
        side_by_side += 1
        most = max(most, side_by_side)
        await asyncio.sleep(0.01)
        side_by_side -= 1
        return await _echo(request)

    heard = _heard(b"".join(map(_get, targets)) + LAST, answer)

    assert most == MAX_SIDE_BY_SIDE
    assert [one.split()[1].decode() for one in heard.split(b"<")[1:]] == [*targets, "/last"]


def test_who_does_not_read_its_answers_is_not_listened_to_until_it_does() -> None:
    asked, many, text = list[str](), 2000, b"<" + b"x" * 65536

    async def answer(request: Request) -> Reply:
        asked.append(request.target)
        return Reply(status=200, text=text)

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(_post(b"y" * 1000) * many + LAST)
        seen = -1
        while seen < len(asked):
            seen = len(asked)
            await asyncio.sleep(0.2)
        assert seen < many
        return await reader.read()

    assert _talked(talk, answer).count(b"<") == len(asked) == many + 1


def test_few_large_bodies_are_held_while_others_are_worked_on() -> None:
    may_go, count = asyncio.Event(), MAX_SIDE_BY_SIDE - 4

    async def answer(request: Request) -> Reply:
        await may_go.wait()
        return await _echo(request)

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(_get("/first") + _post(b"x" * MAX_BODY) * count + LAST)
        unsent = -1
        while unsent != writer.transport.get_write_buffer_size():
            unsent = writer.transport.get_write_buffer_size()
            await asyncio.sleep(0.2)
        assert unsent > 0
        may_go.set()
        return await reader.read()

    assert _talked(talk, answer).count(b"200 OK") == count + 2


def test_an_answer_to_head_has_no_body() -> None:
    heard = _heard(_get("/1", "HEAD") + LAST)

    assert heard.count(b"200 OK") == 2
    assert b"<HEAD" not in heard


@pytest.mark.parametrize("last", [LAST, b"GET /last HTTP/1.0\r\n\r\n"])
def test_nothing_is_answered_after_the_last_request(last: bytes) -> None:
    heard = _heard(_get("/1") + last + _get("/2"))

    assert heard.count(b"200 OK") == 2
    assert b" /2 " not in heard


@pytest.mark.parametrize(
    "garbage",
    [
        b"what is this?\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        _get("/", headers="Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    ],
)
def test_what_cannot_be_read_is_refused_after_the_answers_before_it(garbage: bytes) -> None:
    heard = _heard(_get("/1") + garbage)

    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.count(b"HTTP/1.1") == 3  # the two answers and the reason
    assert b"400 Bad Request" in heard


def test_bodies_of_all_sizes_and_forms() -> None:
    chunked = _get("/chunked", "POST", "Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    heard = _heard(_post(b"") + chunked + _post(b"x" * MAX_BODY) + _post(b"x" * (MAX_BODY + 1)) + LAST)

    told = [one.partition(b">")[0].split(None, 2)[2] for one in heard.split(b"<")[1:]]
    assert told == [b"0", b"5", str(MAX_BODY).encode(), b"too large", b"0"]


def test_who_waits_to_be_asked_for_the_body_is_asked() -> None:
    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        writer.write(_get("/", "POST", "Content-Length: 3\r\nExpect: 100-continue\r\n"))
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc" + LAST)
        return asked + await reader.read()

    heard = _talked(talk)

    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b"<POST / 3>" in heard


def test_a_failure_is_that_requests_alone() -> None:
    heard = _heard(_get("/broken") + LAST)

    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"/last" in heard


def test_the_end_waits_for_what_is_being_worked_on() -> None:
    is_asked = asyncio.Event()

    async def answer(request: Request) -> Reply:
        is_asked.set()
        await asyncio.sleep(0.1)
        return Reply(status=200, text=request.target.encode())

    async def meet() -> bytes:
        with port_reservations() as ports:
            port = ports.take(0)
            async with listening(port, answer, max_body=MAX_BODY):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(LAST)
                await is_asked.wait()
            heard = await reader.read()
            writer.close()
            return heard

    assert b"/last" in uvloop.run(meet())


def test_who_leaves_before_the_answer_disturbs_nobody() -> None:
    is_gone = asyncio.Event()

    async def answer(request: Request) -> Reply:
        await is_gone.wait()
        return await _echo(request)

    async def talk(reader: StreamReader, writer: StreamWriter) -> bytes:
        host, port = writer.get_extra_info("peername")
        _, leaver = await asyncio.open_connection(host, port)
        leaver.write(_get("/1") + _get("/2"))
        leaver.close()
        await leaver.wait_closed()
        is_gone.set()
        writer.write(LAST)
        return await reader.read()

    assert b"/last" in _talked(talk, answer)


def test_a_port_that_is_taken_is_named() -> None:
    async def talk(_: StreamReader, writer: StreamWriter) -> bytes:
        port = writer.get_extra_info("peername")[1]
        with pytest.raises(Unavailable, match=f"port {port} "):
            async with listening(port, _echo, max_body=MAX_BODY):
                pass
        return b""

    _talked(talk)
