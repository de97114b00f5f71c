"""Caddy's admin API, on its unix socket."""

import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.common.errors import Unavailable

_TIMEOUT_SECONDS = 10.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CaddyAdmin:
    """Loads configurations; every method may raise Unavailable."""

    socket: Path

    def load(self, config: dict[str, Any]) -> None:
        """Replace the whole configuration."""
        status, body = self._request("POST", "/load", json.dumps(config))
        if status != _OK:
            msg = f"Caddy refuses its configuration ({status}): {body.decode(errors='replace')[:500]}"
            raise Unavailable(msg)

    def has(self, identity: str) -> bool:
        """Return whether the configuration with this @id is the one that runs."""
        return self._request("GET", f"/id/{identity}")[0] == _OK

    def in_flight(self, upstream: str) -> int:
        """Return how many requests an upstream is answering now."""
        status, body = self._request("GET", "/reverse_proxy/upstreams")
        if status != _OK:
            return 0
        return sum(int(one["num_requests"]) for one in json.loads(body) or [] if one["address"] == upstream)

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = _UnixConnection(self.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            msg = f"Caddy's admin socket {self.socket} does not answer"
            raise Unavailable(msg) from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
