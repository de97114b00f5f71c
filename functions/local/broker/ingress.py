"""The broker's door: POST / takes one CloudEvent and answers 202 once the stream has it."""

from dataclasses import dataclass

from functions.common.errors import Rejected, Unavailable
from functions.local.broker.door import Reply, Request
from functions.local.broker.read import read_event
from functions.local.broker.stream import Stream
from functions.local.platform.stores import MAX_EVENT_BYTES

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
