"""A broker's ingress on this machine: real HTTP, and a switch to make it fail."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackBroker(ThreadingHTTPServer):
    """Keeps the events POSTed to it in `events`; answers `status`, and keeps them only when that is a 2xx.

    `tokens` are what the kept ones were authorized with.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ingress)
        self.events: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.status = 202

    @property
    def url(self) -> str:
        """Return the value of K_SINK."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Ingress(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body follows the head at once
    server: LoopbackBroker

    def do_POST(self) -> None:
        """Accept an event, or refuse it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if 200 <= self.server.status < 300:
            self.server.events.append(json.loads(body))
            self.server.tokens.append(self.headers.get("Authorization", ""))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def loopback_broker(kind: type[LoopbackBroker] = LoopbackBroker) -> Iterator[LoopbackBroker]:
    """Yield a running broker."""
    with kind() as broker:
        thread = threading.Thread(target=broker.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield broker
        finally:
            broker.shutdown()
            thread.join()
