"""A proxy that cuts off every second answer in the middle."""

import itertools
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.patience import patient


class BreakingProxy(ThreadingHTTPServer):
    """Forwards GETs to `target`; `broken` counts the answers that were cut off."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = target
        self.turns = itertools.count()
        self.broken = 0

    @property
    def url(self) -> str:
        """Return its URL."""
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: BreakingProxy
    disable_nagle_algorithm = True  # the body follows the head at once

    def do_GET(self) -> None:
        """Forward the request, and the answer or half of it."""
        request = urllib.request.Request(self.server.target + self.path)  # noqa: S310 - http only
        request.add_header("Authorization", self.headers["Authorization"])
        with urllib.request.urlopen(request, timeout=patient(30)) as answer:  # noqa: S310 - as above
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if next(self.server.turns) % 2:
            self.server.broken += 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def breaking_proxy(target: str) -> Iterator[BreakingProxy]:
    """Yield a running proxy."""
    with BreakingProxy(target) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
