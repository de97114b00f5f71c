"""A web app in thirty lines: it says which commit answers."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hello(BaseHTTPRequestHandler):
    """Answers every GET with the commit and the release that run here."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        commit, release = os.environ.get("SLIPWAY_COMMIT", "unknown"), os.environ.get("SLIPWAY_RELEASE", "0")
        body = f"Hello from commit {commit}, release {release}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing for each request: the platform has an access log."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000")))
    ThreadingHTTPServer(address, Hello).serve_forever()
