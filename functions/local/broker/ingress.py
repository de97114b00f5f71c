"""Where events come in."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httptools

from functions.common.errors import Rejected, Unavailable
from functions.local.broker.cloudevents_http import read_event
from functions.local.broker.jetstream import Stream
from functions.local.platform.programs import MAX_EVENT_BYTES

# HTTP to the broker: requests that come one behind the other on a connection are worked on side by side.
#
# A general server works on them one at a time: every event of a busy publisher then waited for the stream alone, which
# cost the bridge twice the work for each, and the stream three times.

MAX_SIDE_BY_SIDE = 64  # requests of one connection; when as many wait, what comes beyond stays in its socket
LARGE = 256 * 1024  # a request of so many bytes has none beside it that came later
_DRAIN_SECONDS = 1.0

_log = logging.getLogger("slipway.broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked; header names in lower case, `body` is None when it is larger than the door lets in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered: a status, a line of text, and header lines that are more than the text's length."""

    status: int
    text: bytes = b""
    headers: tuple[str, ...] = ()


Answer = Callable[[Request], Awaitable[Reply]]
_GARBAGE = Reply(status=400, text=b"this is no HTTP/1.1\n", headers=("Connection: close",))
_BROKEN = Reply(status=500, text=b"the broker failed: see its log\n")


@asynccontextmanager
async def listening(port: int, answer: Answer, *, max_body: int) -> AsyncIterator[None]:
    """Take connections of this machine meanwhile; at the end what is being worked on has a second left.

    Raises Unavailable when the port is taken.
    """
    working = set[asyncio.Task[None]]()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(lambda: _Connection(answer, max_body, working), "127.0.0.1", port)
    except OSError as error:
        msg = f"cannot listen on port {port} of this machine: {error}"
        raise Unavailable(msg) from error
    try:
        yield
    finally:
        server.close()
        if working:
            await asyncio.wait(working, timeout=_DRAIN_SECONDS)


class _Connection(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, answer: Answer, max_body: int, working: set[asyncio.Task[None]]) -> None:
        self._answer, self._max_body, self._working = answer, max_body, working
        self._parser = httptools.HttpRequestParser(self)
        self._waiting = list[Request | Reply]()
        self._has_ended = self._is_working = self._is_clogged = False
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # a TCP server's connections are Transports

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._take(_GARBAGE, is_last=True)
        if self._waiting and not self._is_working:
            self._is_working = True
            task = asyncio.create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    def pause_writing(self) -> None:
        self._is_clogged = True  # who does not read its answers is not listened to
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_clogged = False
        self._listen()

    def on_message_begin(self) -> None:
        self._target, self._headers = b"", dict[str, str]()
        self._body, self._size = list[bytes](), 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        expects = self._headers.get("expect", "").lower() == "100-continue"
        if expects and not (self._waiting or self._is_working):  # else it would be read as an earlier request's
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._max_body:
            self._body.append(part)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # data_received is told, and refuses it
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._body) if self._size <= self._max_body else None,
        )
        self._take(request, is_last=not self._parser.should_keep_alive())

    def _take(self, one: Request | Reply, *, is_last: bool) -> None:
        if self._has_ended:
            return
        self._waiting.append(one)
        self._has_ended = is_last
        if is_last or len(self._waiting) >= MAX_SIDE_BY_SIDE or self._size > LARGE:
            self._transport.pause_reading()

    def _listen(self) -> None:
        is_full = len(self._waiting) >= MAX_SIDE_BY_SIDE
        if not (is_full or self._is_clogged or self._has_ended or self._transport.is_closing()):
            self._transport.resume_reading()

    async def _work(self) -> None:
        """Answer what waits, and what comes meanwhile."""
        while self._waiting:
            lot, self._waiting = self._waiting[:MAX_SIDE_BY_SIDE], self._waiting[MAX_SIDE_BY_SIDE:]
            self._listen()
            self._transport.write(b"".join(await asyncio.gather(*map(self._answered, lot))))
        self._is_working = False
        if self._has_ended:
            self._transport.close()

    async def _answered(self, one: Request | Reply) -> bytes:
        if isinstance(one, Reply):
            return _wire(one)
        try:
            reply = await self._answer(one)
        except Exception:  # noqa: BLE001 - one request's trouble is not the connection's
            _log.exception("%s %s", one.method, one.target)
            reply = _BROKEN
        return _wire(reply, has_body=one.method != "HEAD")


def _wire(reply: Reply, *, has_body: bool = True) -> bytes:
    status = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"
    head = "\r\n".join((status, f"Content-Length: {len(reply.text)}", *reply.headers, "", ""))
    return head.encode("latin-1") + (reply.text if has_body else b"")


# The broker's door: POST / takes one CloudEvent and answers 202 once the stream has it.

MAX_BODY = MAX_EVENT_BYTES - 64 * 1024  # attributes may need that room in the stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Answers what is sent to a broker."""

    stream: Stream

    async def answer(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.target.partition("?")[0]
        if path == "/healthz":
            return self._health()
        if path != "/":
            return Reply(status=404, text=b"there is one broker here, at /\n")
        if request.method == "OPTIONS":
            return Reply(status=200)
        if request.method != "POST":
            return Reply(status=405, text=b"send events with POST\n", headers=("Allow: POST, OPTIONS",))
        if request.body is None:
            return Reply(status=413, text=b"an event may have at most 8 MB\n")
        return await self._accept(request.headers, request.body)

    def _health(self) -> Reply:
        if self.stream.ready.is_set():
            return Reply(status=200)
        return Reply(status=503, text=b"NATS does not answer\n")

    async def _accept(self, headers: dict[str, str], body: bytes) -> Reply:
        try:
            await self.stream.publish(read_event(headers, body))
        except Rejected as error:
            return Reply(status=400, text=f"{error}\n".encode())
        except Unavailable as error:
            return Reply(status=503, text=f"{error}\n".encode())
        return Reply(status=202)
