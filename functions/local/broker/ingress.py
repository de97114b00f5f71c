"""The broker's door: POST / takes one CloudEvent and answers 202 once the stream has it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from functions.common.errors import Rejected, Unavailable
from functions.local.broker.event import WireEvent
from functions.local.broker.read import read_event
from functions.local.broker.stream import Stream
from functions.local.platform.stores import MAX_EVENT_BYTES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_ROOM_FOR_ATTRIBUTES = 64 * 1024


class Ingress:
    """An ASGI application."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, text = await self._answer(scope, receive)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
        if status == 405:  # noqa: PLR2004 - method not allowed
            headers.append((b"allow", b"POST, OPTIONS"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, bytes]:
        if scope["path"] == "/healthz":
            return (200, b"") if self._stream.ready.is_set() else (503, b"NATS does not answer\n")
        if scope["path"] != "/":
            return 404, b"there is one broker here, at /\n"
        if scope["method"] != "POST":
            return (200, b"") if scope["method"] == "OPTIONS" else (405, b"send events with POST\n")
        body = await _body(receive)
        if len(body) > MAX_EVENT_BYTES - _ROOM_FOR_ATTRIBUTES:
            return 413, b"an event may have at most 8 MB\n"
        return await self._accept(scope, body)

    async def _accept(self, scope: Message, body: bytes) -> tuple[int, bytes]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            event: WireEvent = read_event(headers, body)
            await self._stream.publish(event)
        except Rejected as error:
            return 400, f"{error}\n".encode()
        except Unavailable as error:
            return 503, f"{error}\n".encode()
        return 202, b""


async def _body(receive: Receive) -> bytes:
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts) if len(parts) > 1 else parts[0]
