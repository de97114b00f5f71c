"""Services for tests of the broker: HTTP servers in this process that record what they get."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Respond = Callable[["Received"], Reply]
NO_REPLY: Reply = (202, {}, b"")


@dataclass(frozen=True)
class Received:
    """One delivery; header names in lower case."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        """The structured event."""
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.event["id"])


@dataclass
class RecordingService:
    """`respond` decides the answers, one at a time."""

    respond: Respond
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    _server: ThreadingHTTPServer | None = None

    def close(self) -> None:
        """Go away in the middle."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def ids(self) -> list[str]:
        """Return the ids of what came, in order."""
        return [event.id for event in tuple(self.received)]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen, on the same port as before if there was one."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # the body follows the head at once

            def setup(self) -> None:
                super().setup()
                service.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                event = Received({k.lower(): v for k, v in self.headers.items()}, body, time.monotonic())
                service.received.append(event)
                status, headers, answer = service.respond(event)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                del format, args

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        server = self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.close()
            thread.join()


def always(reply: Reply) -> Respond:
    """Return a responder with one answer."""
    return lambda _: reply
