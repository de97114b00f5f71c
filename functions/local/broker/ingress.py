"""The broker's HTTP server: POST / takes one CloudEvent and answers 202 once the stream has it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from hmac import compare_digest

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from functions.common.errors import Rejected, Unavailable
from functions.common.runtime.cloudevent import MAX_EVENT_BYTES, read_event
from functions.local.broker.jetstream import Stream

MAX_HEADERS = 200
_MAX_HEAD_BYTES = 64 * 1024
_MAX_DISCARDED_BYTES = 64 * 1024 * 1024  # of a body that is too large; a client that sends more is cut off
_DRAIN_SECONDS = 1
_BACKLOG = 256
_CLOSE = (b"connection", b"close")

_log = logging.getLogger("slipway.broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a connection, new or kept, may take to send the next head, how long a body, and how many there are."""

    head_seconds: int = 60
    body_seconds: float = 20.0
    connections: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a line of text, and headers beside the text's own."""

    status: int
    text: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _BodyError(Exception):
    """The body cannot be used: `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


_TOO_LARGE = Answer(status=413, text=f"an event may have at most {MAX_EVENT_BYTES} bytes in its structured form")
_NO_TOKEN = Answer(status=401, text="events need the token of this broker, as Authorization: Bearer TOKEN")
_TOO_SLOW = Answer(status=408, text="the body took too long", headers=(_CLOSE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """An ASGI application that answers what is sent to a broker."""

    stream: Stream
    limits: Limits = Limits()
    token: str = field(default="", repr=False)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request."""
        assert scope["type"] == "http"  # noqa: S101 - for mypy: the server is configured for nothing else
        try:
            body = await _read_body(receive, self.limits.body_seconds)
            answer = await self._answer(scope, body)
        except _BodyError as error:
            answer = error.answer
        except ConnectionError:
            return  # the client is gone
        text = f"{answer.text}\n".encode() if answer.text else b""
        headers = [(b"content-length", b"%d" % len(text)), (b"content-type", b"text/plain; charset=utf-8")]
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [*headers, *answer.headers],
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": text, "more_body": False})

    async def _answer(self, scope: HTTPScope, body: bytes) -> Answer:
        headers = list(scope["headers"])
        if len(headers) > MAX_HEADERS:
            return Answer(status=431, text=f"a request may have at most {MAX_HEADERS} headers")
        if scope["path"] == "/healthz":
            return await self._health()
        if scope["path"] != "/":
            return Answer(status=404, text="there is one broker here, at /")
        if scope["method"] != "POST":
            return _without_event(scope["method"])
        if not self._is_authorized(headers):
            return _NO_TOKEN
        return await self._accept([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers], body)

    def _is_authorized(self, headers: list[tuple[bytes, bytes]]) -> bool:
        given = [value for name, value in headers if name == b"authorization"]
        return not self.token or (len(given) == 1 and compare_digest(given[0], f"Bearer {self.token}".encode()))

    async def _health(self) -> Answer:
        try:
            await self.stream.check()
        except Unavailable as error:
            return Answer(status=503, text=str(error))
        return Answer(status=200)

    async def _accept(self, headers: list[tuple[str, str]], body: bytes) -> Answer:
        try:
            event = read_event(headers, body)
            if len(event.structured()) > MAX_EVENT_BYTES:
                return _TOO_LARGE
            await self.stream.publish(event)
        except Rejected as error:
            return Answer(status=400, text=str(error))
        except Unavailable as error:
            return Answer(status=503, text=str(error))
        except Exception:  # noqa: BLE001 - the client must get an answer
            _log.exception("an event could not be accepted")
            return Answer(status=500, text="internal error of the broker: see its log")
        return Answer(status=202)


def _without_event(method: str) -> Answer:
    if method == "OPTIONS":
        return Answer(status=200)
    return Answer(status=405, text="send events with POST", headers=((b"allow", b"POST, OPTIONS"),))


async def _read_body(receive: ASGIReceiveCallable, seconds: float) -> bytes:
    """Return the whole body. Raises _BodyError, and ConnectionError when the client is gone.

    A body that is too large is read to its end, so that the client reads the answer instead of a reset.
    """
    parts, size, is_more = list[bytes](), 0, True
    try:
        async with asyncio.timeout(seconds):
            while is_more:
                message = await receive()
                if message["type"] != "http.request":
                    raise ConnectionError
                part, is_more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                if size <= MAX_EVENT_BYTES:
                    parts.append(part)
                elif size > _MAX_DISCARDED_BYTES:
                    raise _BodyError(Answer(status=413, text=_TOO_LARGE.text, headers=(_CLOSE,)))
                else:
                    parts.clear()
    except TimeoutError as error:
        raise _BodyError(_TOO_SLOW) from error
    if size > MAX_EVENT_BYTES:
        raise _BodyError(_TOO_LARGE)
    return b"".join(parts)


class _Protocol(H11Protocol):
    """Uvicorn's, whose timer for kept connections also limits how long the head of a request may take.

    Uvicorn stops the timer at the first byte; here the head must be complete. That also covers a client that opens a
    connection and says nothing.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        self.conn.receive_data(data)
        self.handle_events()


class _Server(uvicorn.Server):
    """Uvicorn's, which leaves signals to the broker."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving(ingress: Ingress, port: int) -> AsyncIterator[asyncio.Task[None]]:
    """Answer on a port of this machine meanwhile; requests in progress at the end have a second left.

    Raises Unavailable when the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    except OSError as error:
        msg = f"cannot listen on port {port} of this machine: {error}"
        raise Unavailable(msg) from error
    config = uvicorn.Config(
        ingress,
        interface="asgi3",
        loop="none",
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=ingress.limits.connections,
        timeout_keep_alive=ingress.limits.head_seconds,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield task
    finally:
        server.should_exit = True
        await task
