"""The app of the tests of rollouts; the setting MODE is the way in which it fails."""

import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = os.environ["SLIPWAY_RELEASE"]  # noqa: TID251 - an app's own settings
MODE = os.environ.get("MODE", "")  # noqa: TID251 - as above
STARTED, WELL_SECONDS = time.monotonic(), 1.0


class App(BaseHTTPRequestHandler):
    """Answers with its release."""

    protocol_version = "HTTP/1.1"
    # Head and body go out as one piece: a request whose answer has begun when this is killed cannot be asked elsewhere.
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer as the mode has it."""
        if self.path == "/slow":
            time.sleep(1.5)
        failing = MODE == "unhealthy" or (MODE == "errors" and self.path != "/up")
        failing = failing or (MODE == "sickens" and time.monotonic() - STARTED > WELL_SECONDS)
        self.answer(500 if failing else 200, f"release {RELEASE}\n")

    def do_POST(self) -> None:
        """Answer as to a GET."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def answer(self, status: int, text: str) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """One that takes many connections at once."""

    daemon_threads = True
    request_queue_size = 128


def babble() -> None:
    """Answer what is no HTTP, as a server of something else does."""
    with socket.create_server(("127.0.0.1", int(os.environ["PORT"]))) as server:  # noqa: TID251 - as above
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"\0\1 who is there\n")


def dies_soon() -> None:
    time.sleep(1.0)
    sys.stdout.write("something is broken\n")
    sys.stdout.flush()
    os._exit(9)


if MODE == "crashes":
    sys.exit("this cannot \0start")
if MODE == "babbles":
    babble()
if MODE == "dies":
    threading.Thread(target=dies_soon, daemon=True).start()
sys.stdout.write(f"serving release {RELEASE}\n")
sys.stdout.flush()
Server(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()  # noqa: TID251 - as above
