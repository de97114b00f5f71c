"""The commit statuses of a Forgejo or Gitea on this machine: real HTTP, answers have the form of a real one's.

The fields are those that Forgejo 10 answered to `POST /repos/{owner}/{repo}/statuses/{sha}`. A repository that is not
there is 404; of a commit that is not there Gitea 1.26 says 500 to a status, and 404 to a request for the commit.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a-token"
_NOT_FOUND = {"errors": None, "message": "The target couldn't be found.", "url": "/api/swagger"}


class LoopbackGitea(ThreadingHTTPServer):
    """One repository with one commit; `failures` are answered first, `requests` counts statuses."""

    daemon_threads = True
    repository, sha = "team/hello", "11b37d913374b14f8519d16c2a2cca3ebc14ac64"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.posted: list[dict[str, Any]] = []
        self.failures: list[int] = []
        self.requests = 0

    @property
    def url(self) -> str:
        """Return the value of GITEA_URL."""
        return f"http://127.0.0.1:{self.server_port}"


class _Api(BaseHTTPRequestHandler):
    server: LoopbackGitea
    disable_nagle_algorithm = True  # the body follows the head at once

    def do_POST(self) -> None:
        """Store a status."""
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests += 1
        statuses = f"/api/v1/repos/{self.server.repository}/statuses/"
        if self.server.failures:
            self._answer(self.server.failures.pop(0), {"message": "failing"})
        elif self.headers["Authorization"] != f"token {TOKEN}":
            self._answer(401, {"message": "invalid username, password or token", "url": "/api/swagger"})
        elif not self.path.startswith(statuses):
            self._answer(404, _NOT_FOUND)
        elif self.path != statuses + self.server.sha:
            self._answer(500, {"message": "", "url": "/api/swagger"})
        else:
            self.server.posted.append(fields)
            self._answer(201, self._created(fields))

    def do_GET(self) -> None:
        """Show the commit."""
        commit = f"/api/v1/repos/{self.server.repository}/git/commits/{self.server.sha}"
        if self.server.failures:
            self._answer(self.server.failures.pop(0), {"message": "failing"})
        elif self.path != commit:
            self._answer(404, _NOT_FOUND)
        else:
            self._answer(200, {"sha": self.server.sha})

    def _created(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": len(self.server.posted),
            "status": fields["state"],
            "target_url": fields["target_url"],
            "description": fields["description"],
            "url": f"{self.server.url}{self.path}",
            "context": fields["context"],
            "creator": {"login": "slipway"},
            "created_at": "2025-08-04T09:07:36Z",
            "updated_at": "2025-08-04T09:07:36Z",
        }

    def _answer(self, status: int, fields: dict[str, Any]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def loopback_gitea() -> Iterator[LoopbackGitea]:
    """Yield a running forge."""
    with LoopbackGitea() as gitea:
        thread = threading.Thread(target=gitea.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield gitea
        finally:
            gitea.shutdown()
            thread.join()
