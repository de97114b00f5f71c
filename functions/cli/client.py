"""The API over HTTP, and what its refusals mean at a terminal."""

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

# How a command ends when it cannot do what was asked: a text on stderr and an exit code.

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
    """An error whose text says what to do; `exit_code` is one of the above."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click reads it from the instance


class Unreachable(Failure):
    """The server does not answer, or answers that it cannot now; the same may work later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NOT_REACHABLE)


def failure_of(status: int, message: str) -> Failure:
    """Return the failure that an HTTP status stands for."""
    code = _BY_STATUS.get(status, FAILED)
    return Unreachable(message) if code == NOT_REACHABLE else Failure(message, code)


# HTTP to manage-apps.

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
