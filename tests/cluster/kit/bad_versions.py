"""Versions of an app that fail, always or at times."""

# It answers 500 when it is not well, to its health check too. It ends when asked to: Knative waits five minutes for it.
SERVER = """
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

began = time.monotonic()

class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        good = {good}
        self.send_response(200 if good else 500)
        self.end_headers()
        self.wfile.write(os.environ["SLIPWAY_COMMIT"].encode())

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Server).serve_forever()
"""
ERRING = SERVER.format(good="time.monotonic() - began < 10")  # well at first
BAD = {"crashing": "raise SystemExit('this version cannot start')\n", "failing its probe": SERVER.format(good="False")}
LATE = SERVER.format(good="time.monotonic() - began > 60")  # when it was given up, after SLIPWAY_HEALTH_LIMIT
