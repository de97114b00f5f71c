"""The client of manage-apps, and the exit codes of its errors."""

import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

if TYPE_CHECKING:
    import httpx

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
NOT_REACHABLE = 5

_BY_STATUS = {
    401: NOT_ALLOWED,
    403: NOT_ALLOWED,
    404: NOT_FOUND,
    400: USAGE,
    422: USAGE,
    502: NOT_REACHABLE,
    503: NOT_REACHABLE,
    504: NOT_REACHABLE,
}


class Failure(click.ClickException):
    """A command that failed: the text goes to stderr and says what to do; `exit_code` is one of the above."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click reads it from the instance


class Unreachable(Failure):
    """The server does not answer or is unavailable; the same command may work later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NOT_REACHABLE)


def failure_of(status: int, message: str) -> Failure:
    """Return the failure of an HTTP status."""
    code = _BY_STATUS.get(status, FAILED)
    return Unreachable(message) if code == NOT_REACHABLE else Failure(message, code)


TIMEOUT_SECONDS = 30
_PAUSE = 0.5
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_PAUSE = 10.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Calls one server with one token; `ca` is a file with a certificate authority to trust beside the system's."""

    server: str
    token: str
    ca: str = ""

    def get(self, path: str, **query: object) -> Json:
        """Return what is at the path. Raises Failure."""
        return self.send("GET", path, query=query)

    def items(self, path: str, *, most: int = 1000, **query: object) -> list[Json]:
        """Return the items of all pages, at most `most`. Raises Failure."""
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

        Each change carries an Idempotency-Key: sent twice, it causes the same event.
        """
        import httpx  # noqa: PLC0415 - `paas --help` needs no HTTP

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method != "GET":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        wanted = {name: str(value) for name, value in (query or {}).items() if value not in {"", None}}
        try:
            # A proxy from the environment does not reach this machine.
            uses_proxy = httpx.URL(self.server).host not in THIS_MACHINE
            with httpx.Client(verify=self._trust(), timeout=TIMEOUT_SECONDS, trust_env=uses_proxy) as http:
                url = f"{self.server.rstrip('/')}/v1{path}"
                answer = http.request(method, url, json=body, params=wanted, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            msg = f"{self.server} does not answer ({error}): check --server; on this machine `task up` starts it"
            raise Unreachable(msg) from error
        return _body(answer, self.server)

    def follow(self, path: str, **query: object) -> Json:
        """Return what is at the path; retries until the server answers. Raises Failure for any other error."""
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


def quoted(text: str) -> str:
    """Return the text percent-encoded as one segment of a path."""
    return quote(text, safe="")


def poll(seconds: float) -> Iterator[None]:
    """Yield at once, then after each pause, forever."""
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
    msg = f"{server} answers {answer.status_code} without an error text: check that it is the address of Slipway"
    raise failure_of(answer.status_code, msg)
