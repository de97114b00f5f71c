"""The app of the tests of the pipeline: it answers with its commit; the file MODE is the way in which it fails."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODE = Path("MODE").read_text().strip() if Path("MODE").exists() else ""
OWN = os.environ  # noqa: TID251 - an app reads its own
COMMIT, RELEASE, GREETING = (OWN.get(name, "-") for name in ("SLIPWAY_COMMIT", "SLIPWAY_RELEASE", "GREETING"))


class App(BaseHTTPRequestHandler):
    """Answers every GET with its commit, its release and its greeting."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body follows the head at once
    requests = 0

    def do_GET(self) -> None:
        """Answer as the mode has it; the first request is the health check."""
        type(self).requests += 1
        if MODE == "crash" and self.requests > 1:
            self.say("something broke")
            os._exit(9)
        text = f"{COMMIT} {RELEASE} {GREETING}\n".encode()
        self.send_response(500 if MODE == "errors" and self.requests > 1 else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def say(self, text: str) -> None:
        """Write a line of the runtime log."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def log_message(self, form: str, *values: object) -> None:
        """Log each request."""
        self.say(f"answered {self.path}: {form % values}")


if MODE == "deaf":
    sys.stdout.write("thinking, not listening\n")
    sys.stdout.flush()
    time.sleep(600)
sys.stdout.write(f"serving {COMMIT}\n")
sys.stdout.flush()
ThreadingHTTPServer((OWN.get("HOST", "127.0.0.1"), int(OWN["PORT"])), App).serve_forever()
