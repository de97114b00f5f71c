"""HTTP to manage-apps."""

import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from functions.cli.failures import Failure, Unreachable, failure_of

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 30
_PAUSE = 0.5
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_PAUSE = 10.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One server, one token; `ca` is a file with the authority to trust besides the system's."""

    server: str
    token: str
    ca: str = ""

    def get(self, path: str, **query: object) -> Json:
        """Return what is at the path. Raises Failure."""
        return self.send("GET", path, query=query)

    def items(self, path: str, *, most: int = 1000, **query: object) -> list[Json]:
        """Return the items of every page, at most so many. Raises Failure."""
        found, after = list[Json](), ""
        while len(found) < most:
            page = self.get(path, **{**query, "limit": min(200, most - len(found)), "after": after})
            found += page["items"]
            after = page["next"] or ""
            if not after:
                break
        return found

    def send(self, method: str, path: str, body: Json | None = None, query: Mapping[str, object] | None = None) -> Json:
        """Send a request and return the answer's body. Raises Failure.

        Each change carries an Idempotency-Key, so that an event it causes is the same one if it is sent twice.
        """
        import httpx  # noqa: PLC0415 - `paas --help` needs no HTTP

        headers = {"Authorization": f"Bearer {self.token}"}
        if method != "GET":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        wanted = {name: str(value) for name, value in (query or {}).items() if value not in {"", None}}
        try:
            # A proxy of the environment does not lead to this machine.
            proxied = httpx.URL(self.server).host not in _THIS_MACHINE
            with httpx.Client(verify=self._trust(), timeout=TIMEOUT_SECONDS, trust_env=proxied) as http:
                url = f"{self.server.rstrip('/')}/v1{path}"
                answer = http.request(method, url, json=body, params=wanted, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            msg = f"{self.server} does not answer ({error}): is it running (`task up`), and is --server right?"
            raise Unreachable(msg) from error
        return _body(answer, self.server)

    def follow(self, path: str, **query: object) -> Json:
        """Return what is at the path, trying again until the server answers; other failures are raised."""
        pause = _PAUSE
        while True:
            try:
                return self.get(path, **query)
            except Unreachable:
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _trust(self) -> ssl.SSLContext | bool:
        if not self.ca or not self.server.startswith("https"):
            return True
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(self.ca)
        except OSError as error:
            msg = f"the certificate authority {self.ca} cannot be read: {error}"
            raise Failure(msg) from error
        return context


def part(text: str) -> str:
    """Return the text as one part of a path."""
    return quote(text, safe="")


def every(seconds: float) -> Iterator[None]:
    """Yield at once and then after each pause, for ever."""
    while True:
        yield
        time.sleep(seconds)


def _body(answer: "httpx.Response", server: str) -> Json:
    try:
        body = answer.json() if answer.content else {}
    except json.JSONDecodeError:
        body = None
    if answer.is_success and isinstance(body, dict):
        return body
    if isinstance(body, dict) and "error" in body:
        raise failure_of(answer.status_code, str(body["error"]))
    msg = f"{server} answers {answer.status_code} without saying why: is it the address of Slipway?"
    raise failure_of(answer.status_code, msg)
