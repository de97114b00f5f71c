"""Calls of vendors' HTTP APIs: limits of time and size, repeats, trusted certificates, translated errors."""

import json
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from functions.common.adapters.lazy import lazy, run_soon
from functions.common.errors import Rejected, Unavailable

if TYPE_CHECKING:
    import httpx
else:  # a tenth of a second, for functions that call by HTTP alone
    httpx = lazy("httpx")

MAX_BYTES = 8 * 1024 * 1024
_TEXT = 200
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with its whole body; `headers` have lower-case names."""

    service: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body's JSON. Raises Unavailable for anything else, such as the error page of a proxy."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            msg = f"{self.service} answers {self.status} with a body that is not JSON"
            raise Unavailable(msg) from error

    def object(self) -> dict[str, Any]:
        """Return the body's JSON object. Raises Unavailable for anything else."""
        return self.read(_as_object)

    def read(self, reader: Callable[[Any], Read]) -> Read:
        """Return what the reader makes of the body's JSON. Raises Unavailable when the JSON has another shape."""
        found = self.json()
        try:
            return reader(found)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            msg = f"{self.service} answers {self.status} with JSON of another shape ({type(error).__name__})"
            raise Unavailable(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpClient:
    """One service at a base URL.

    `service` is its name in errors. `remedies` say what an operator can do about a status. `timeout` limits each step
    (connect, send, each read), `body_timeout` a body that arrives in drops, both in seconds.
    `address` is connected to instead of what the URL's host resolves to; TLS still checks the host's name.
    Errors contain neither headers nor query nor body: tokens are there.
    """

    service: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    remedies: Mapping[int, str] = field(default_factory=dict, repr=False)
    timeout: float = 5.0
    body_timeout: float = 20.0
    address: str = ""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        attempts: int = 1,
        allow: Collection[int] = (),
        label: str = "",
    ) -> Answer:
        """Return the answer; redirects are not followed. `content` is sent as it is, `body` as JSON.

        `label` replaces the path in errors, where it holds a secret.

        A lost connection and a 5xx are repeated up to `attempts` times: pass more than one only when the call is safe
        to repeat. Raises Unavailable when there is no answer, and for 408, 429 and 5xx unless `allow` contains the
        status. Raises Rejected when the call cannot be sent: a URL or a header value that HTTP forbids.
        """
        for attempt in range(1, attempts + 1):
            try:
                answer = self._attempt(method, path, params=query, json=body, content=content)
            except Unavailable:
                if attempt == attempts:
                    raise
                continue
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == attempts:
                break
        if _may_pass(answer.status) and answer.status not in allow:
            msg = (
                f"{self.service} answers {answer.status} to {method} {label or path}{_wait(answer)}; it is tried again"
            )
            raise Unavailable(msg)
        return answer

    def refusal(self, answer: Answer, what: str, *, said: str = "") -> Rejected:
        """Return the error for an answer that is not a success: what was asked for, what the service says, a remedy."""
        said = said or _message(answer)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            place = without_user(answer.headers.get("location", ""))
            return Rejected(f"{self.service} redirects {what} to {place[:_TEXT]}: set the final URL")
        remedy = self.remedies.get(answer.status)
        details = f" ({said[:_TEXT]})" if said else ""
        if remedy:
            return Rejected(f"{self.service} answers {answer.status} for {what}{details}: {remedy}")
        return Rejected(f"{self.service} refuses {what} with {answer.status}{details}")

    def save(self, path: str, *, file: BinaryIO, most: int) -> Answer:
        """Write the body of a successful GET into a file, and return the answer without it; else see `call`.

        Raises Unavailable when there are more than `most` bytes.
        """
        with self._answering("GET", path) as response:
            answer = self._answer(response, b"")
            if not answer.is_success:
                return self._answer(response, self._read(response))
            for piece in response.iter_bytes():
                most -= len(piece)
                if most < 0:
                    msg = f"{self.service} sends more bytes than it said"
                    raise Unavailable(msg)
                file.write(piece)
            return answer

    def _attempt(self, method: str, path: str, **sent: Any) -> Answer:  # noqa: ANN401 - as httpx takes it
        with self._answering(method, path, **sent) as response:
            return self._answer(response, self._read(response))

    def _answer(self, response: "httpx.Response", body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(service=self.service, status=response.status_code, headers=headers, body=body)

    @contextmanager
    def _answering(self, method: str, path: str, **sent: Any) -> "Iterator[httpx.Response]":  # noqa: ANN401 - as above
        """Yield the answer before its body, with translated errors."""
        url = f"{self.url.rstrip('/')}{path}"
        try:
            place, headers, extensions = self._connect_to(url)
            with (
                # Proxies of the environment resolve the name themselves, so that a fixed address goes past them.
                httpx.Client(timeout=self.timeout, verify=tls_context(url), trust_env=not self.address) as client,
                client.stream(
                    method, place, headers=headers, auth=self.auth, extensions=extensions, **sent
                ) as response,
            ):
                yield response
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
            ValueError,
            OverflowError,
        ) as error:
            msg = f"{self.service} cannot be called ({type(error).__name__}): check its URL, user, password and token"
            raise Rejected(msg) from None  # the error quotes the header that cannot be sent, with its token
        except httpx.HTTPError as error:
            msg = f"{self.service} does not answer: {_reason(error)}"
            raise Unavailable(msg) from error

    def _connect_to(self, url: str) -> "tuple[httpx.URL, dict[str, str], dict[str, Any]]":
        """Return the URL to connect to, the headers, and the name that TLS checks."""
        place = httpx.URL(url)
        if not self.address:
            return place, dict(self.headers), {}
        host = place.netloc.decode()
        return place.copy_with(host=self.address), {**self.headers, "Host": host}, {"sni_hostname": place.host}

    def _read(self, response: "httpx.Response") -> bytes:
        data, deadline = bytearray(), time.monotonic() + self.body_timeout
        for piece in response.iter_bytes():
            data += piece
            if len(data) > MAX_BYTES:
                msg = f"{self.service} answers {response.status_code} with more than {MAX_BYTES} bytes"
                raise Unavailable(msg)
            if time.monotonic() > deadline:
                msg = f"{self.service} does not answer: its body is not complete after {self.body_timeout:g} s"
                raise Unavailable(msg)
        return bytes(data)


def _as_object(found: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    if not isinstance(found, dict):
        raise TypeError
    return found


def text(found: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a text of an answer that is not empty, for readers."""
    if not isinstance(found, str) or not found:
        raise TypeError
    return found


def without_user(url: str) -> str:
    """Return a URL without user, password, query and fragment, for errors."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _may_pass(status: int) -> bool:
    passing = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    return status in passing or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _wait(answer: Answer) -> str:
    wait = answer.headers.get("retry-after", "").strip()[:40]
    if not wait:
        return ""
    return f", retry after {wait} s" if wait.isdigit() else f", retry after {wait}"


def _message(answer: Answer) -> str:
    """Return the field `message` of a JSON object, where most APIs explain an error."""
    try:
        found = answer.object().get("message")
    except Unavailable:
        return ""
    return found if isinstance(found, str) else ""


def _reason(error: BaseException) -> str:
    """Return why there is no answer; httpx wraps TLS errors twice."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message}); SSL_CERT_FILE names further authorities"
        if isinstance(cause, ssl.SSLError):
            return f"TLS fails ({cause.reason or type(cause).__name__})"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


# Which certificates a call trusts. httpx reads all authorities for each client, which takes 20 ms; here they are
# read once for each process.


def tls_context(url: str) -> ssl.SSLContext:
    """Return what a call to this URL trusts, for httpx's `verify`."""
    return _public_authorities() if urlsplit(url).scheme == "https" else _no_authorities()


@cache
def warm_up(url: str) -> None:
    """Import httpx and read the authorities in the background: the first call finds both."""
    run_soon(partial(_prepare, url))


def _prepare(url: str) -> None:
    _ = httpx.Client
    tls_context(url)


@cache
def _public_authorities() -> ssl.SSLContext:
    """Return httpx's default: its own authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR names."""
    return httpx.create_ssl_context()


@cache
def _no_authorities() -> ssl.SSLContext:
    """Return the context for plain http: a TLS handshake on it would trust no certificate."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
