"""Each kind of answer of an HTTP API is a result or one of two errors, and no error contains a secret."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.http_client import MAX_BYTES, HttpClient, text, tls_context
from functions.common.errors import Rejected, Unavailable
from tests.conftest import ROOT
from tests.fakes.loopback import Call, Reply, served
from tests.tls_front import certificate

TOKEN = "s3cret-token"


class Service:
    """Answers with `replies` in turn, then with the last one; `calls` are the requests."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.calls = list(replies), list[Call]()

    def answer(self, call: Call) -> Reply:
        """Answer a call."""
        self.calls.append(call)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def client(url: str, remedies: Mapping[int, str] | None = None) -> HttpClient:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return HttpClient(service="the test service", url=url, headers=headers, remedies=remedies or {})


def error_of(call: Callable[[], object]) -> Exception:
    """Return the error of a call; neither it nor its causes, which a log would print, may contain a secret."""
    with pytest.raises((Rejected, Unavailable)) as caught:
        call()
    behind: BaseException | None = caught.value
    while behind is not None:
        assert TOKEN not in f"{behind} {behind!r}"
        behind = behind.__cause__
    assert str(caught.value).startswith("the test service ")
    return caught.value


@contextmanager
def bytes_served(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """Yield the URL of a server that answers every connection with these bytes, piece by piece, and stays connected."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_answer_all, args=(door, pieces, pause), daemon=True).start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


def _answer_all(door: socket.socket, pieces: tuple[bytes, ...], pause: float) -> None:
    with suppress(OSError):
        while True:
            connection, _ = door.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)


def test_an_answer_has_status_headers_and_body() -> None:
    service = Service(Reply(status=201, body={"id": 7}, headers={"X-Total-Count": "3"}))
    with served(service) as url:
        answer = client(url + "/").call("POST", "/things", query={"page": "2"}, body={"name": "hello"})
    assert (answer.status, answer.is_success, answer.headers["x-total-count"]) == (201, True, "3")
    assert answer.object() == {"id": 7}
    (call,) = service.calls
    assert (call.method, call.path, call.query, call.body) == ("POST", "/things", {"page": "2"}, {"name": "hello"})
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in f"{client(url)!r}"


def test_user_and_password_are_sent_and_never_shown() -> None:
    service = Service(Reply(status=200))
    with served(service) as url:
        api = HttpClient(service="the test service", url=url, auth=("slipway", "s3cret"))
        api.call("HEAD", "/")
    assert service.calls[0].headers["authorization"] == "Basic c2xpcHdheTpzM2NyZXQ="
    assert "s3cret" not in repr(api)


def test_a_refused_connection_is_unavailable() -> None:
    error = error_of(lambda: client("http://127.0.0.1:1").call("GET", "/"))
    assert (type(error), str(error)) == (Unavailable, "the test service does not answer: ConnectError")


def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    assert isinstance(error_of(lambda: client("http://no-such-host.invalid").call("GET", "/")), Unavailable)


def test_a_silent_server_is_unavailable_after_the_time_limit() -> None:
    with bytes_served(b"", pause=2) as url:
        error = error_of(lambda: replace(client(url), timeout=0.2).call("GET", "/"))
    assert (type(error), str(error)) == (Unavailable, "the test service does not answer: ReadTimeout")


def test_a_body_that_arrives_too_slowly_is_unavailable() -> None:
    with bytes_served(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 99, pause=0.05) as url:
        error = error_of(lambda: replace(client(url), body_timeout=0.3).call("GET", "/"))
    assert (type(error), "its body is not complete" in str(error)) == (Unavailable, True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 smtp.example.org ESMTP\r\n",
        b"\x00\xff" * 100,
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
    ids=["nothing", "another protocol", "noise", "cut short", "broken chunks", "broken gzip"],
)
def test_an_answer_that_is_not_http_is_unavailable(answer: bytes) -> None:
    with bytes_served(answer) as url:
        error = error_of(lambda: client(url).call("GET", "/"))
    assert (type(error), "does not answer" in str(error)) == (Unavailable, True)


@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999\r\n"], ids=["endless", "announced"])
def test_a_body_that_is_too_large_is_unavailable(length: bytes) -> None:
    mebibyte = b"x" * 1024 * 1024
    with bytes_served(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n", *[mebibyte] * 90) as url:
        error = error_of(lambda: client(url).call("GET", "/"))
    assert (type(error), f"more than {MAX_BYTES} bytes" in str(error)) == (Unavailable, True)


@pytest.mark.parametrize(
    "body", [b"<html>502</html>", b"", b"\xff\xfe", b"[" * 100_000], ids=["html", "empty", "bytes", "deep"]
)
@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
def test_a_body_that_is_not_json_is_unavailable(status: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    with bytes_served(head + body) as url:
        answer = client(url).call("GET", "/")
    error = error_of(answer.json)
    assert (type(error), "a body that is not JSON" in str(error)) == (Unavailable, True)


def test_json_of_another_shape_is_unavailable() -> None:
    with served(Service(Reply(status=200, body=[1]), Reply(status=200, body={}), Reply(status=200, body="x"))) as url:
        numbers, fields, word = (client(url).call("GET", "/") for _ in range(3))
    assert (fields.object(), word.read(text)) == ({}, "x")
    readers: tuple[Callable[[Any], object], ...] = (
        lambda found: found["a"]["b"],
        lambda found: found[7],
        lambda found: found.missing,
        lambda found: int(found[0:]["x"]),
    )
    for answer in (numbers, fields, word):
        for reader in readers:
            error = error_of(lambda answer=answer, reader=reader: answer.read(reader))  # type: ignore[misc] # both have values
            assert (type(error), "JSON of another shape" in str(error)) == (Unavailable, True)
    for wrong in (numbers.object, word.object, lambda: fields.read(text)):
        assert isinstance(error_of(wrong), Unavailable)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_a_temporary_status_is_unavailable(status: int) -> None:
    with served(Service(Reply(status=status, body={"message": "busy"}))) as url:
        error = error_of(lambda: client(url).call("GET", "/things", query={"q": TOKEN}))
        assert client(url).call("GET", "/", allow={status}).status == status
    assert (type(error), f"answers {status} to GET /things; it is tried" in str(error)) == (Unavailable, True)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("120", "120 s"), ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"), ("9" * 99, "9" * 40 + " s")],
)
def test_the_error_of_429_has_retry_after(value: str, shown: str) -> None:
    with served(Service(Reply(status=429, headers={"Retry-After": value}))) as url:
        error = error_of(lambda: client(url).call("GET", "/"))
    assert f", retry after {shown}; it is tried again" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_returned_and_its_error_names_the_request(status: int) -> None:
    with served(Service(Reply(status=status, body={"message": "no such thing"}))) as url:
        api = client(url, remedies={401: "set TEST_TOKEN"})
        answer = api.call("GET", "/things")
    assert (answer.status, answer.is_success) == (status, False)
    error = str(api.refusal(answer, "the things"))
    if status == 401:
        assert error == "the test service answers 401 for the things (no such thing): set TEST_TOKEN"
    else:
        assert error == f"the test service refuses the things with {status} (no such thing)"


@pytest.mark.parametrize("body", [None, [], {"message": None}, {"message": {"a": 1}}])
def test_the_error_of_a_refusal_without_a_message(body: object) -> None:
    with served(Service(Reply(status=422, body=body))) as url:
        api = client(url)
        assert str(api.refusal(api.call("GET", "/"), "it")) == "the test service refuses it with 422"


def test_a_redirect_is_not_followed_and_names_the_url_to_set() -> None:
    target = Service(Reply(status=200))
    with served(target) as elsewhere:
        location = elsewhere.replace("//", f"//user:{TOKEN}@") + f"/api?token={TOKEN}"
        with served(Service(Reply(status=301, headers={"Location": location}))) as url:
            api = client(url)
            answer = api.call("GET", "/")
    assert (answer.status, answer.is_success, target.calls) == (301, False, [])
    assert str(api.refusal(answer, "it")) == f"the test service redirects it to {elsewhere}/api: set the final URL"


def test_attempts_repeat_failures_but_no_refusals() -> None:
    service = Service(Reply(status=502), Reply(status=503), Reply(status=200))
    with served(service) as url:
        assert client(url).call("GET", "/", attempts=3).status == 200
    for status in (404, 429):
        refusing = Service(Reply(status=status), Reply(status=200))
        with served(refusing) as url:
            assert client(url).call("GET", "/", attempts=3, allow={status}).status == status
    failing = Service(Reply(status=500))
    with served(failing) as url:
        error_of(lambda: client(url).call("GET", "/", attempts=3))
    assert len(failing.calls) == 3


def test_attempts_repeat_lost_connections() -> None:
    accepted = list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def reset() -> None:
            with suppress(OSError):
                while True:
                    accepted.append(door.accept()[0])
                    accepted[-1].close()

        threading.Thread(target=reset, daemon=True).start()
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        assert isinstance(error_of(lambda: client(url).call("GET", "/", attempts=3)), Unavailable)
        assert len(accepted) == 3


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:3000", "http://[::1", "http://127.0.0.1:1/\n", ""])
def test_a_url_that_cannot_be_called_is_rejected(url: str) -> None:
    error = error_of(lambda: client(url).call("GET", "/"))
    assert (type(error), "cannot be called" in str(error)) == (Rejected, True)


@pytest.mark.parametrize("end", ["\n", "\r\nX-Other: 1", "\0", "\u20ac"])
def test_a_token_that_no_header_can_carry_is_rejected(end: str) -> None:
    with served(Service(Reply(status=200))) as url:
        api = HttpClient(service="the test service", url=url, headers={"Authorization": TOKEN + end})
        error = error_of(lambda: api.call("GET", "/"))
    assert (type(error), "cannot be called" in str(error)) == (Rejected, True)


@contextmanager
def https_served(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the URL of a server with a certificate for `localhost`, and the file of its authority."""
    chain, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as door:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        threading.Thread(target=_answer_all_tls, args=(door, answer), daemon=True).start()
        yield f"https://localhost:{door.getsockname()[1]}", folder / "pki/authorities/local/root.crt"


def _answer_all_tls(door: ssl.SSLSocket, answer: bytes) -> None:
    while door.fileno() != -1:
        with suppress(OSError):
            connection, _ = door.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)


CALL = """
import sys
from functions.common.adapters.http_client import HttpClient
print(HttpClient(service="the test service", url=sys.argv[1]).call("GET", "/").object())
"""


def called(url: str, environment: Mapping[str, str]) -> str:
    """Return what a call in a process of its own prints: the trusted authorities are read once for each process."""
    ran = subprocess.run(
        [sys.executable, "-c", CALL, url], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return (ran.stdout + ran.stderr).strip().splitlines()[-1]


def test_a_certificate_needs_a_trusted_authority_and_the_right_name(tmp_path: Path) -> None:
    with https_served(tmp_path) as (url, authority):
        trusting = {"SSL_CERT_FILE": str(authority)}
        assert called(url, trusting) == "{}"
        unknown = called(url, {})
        wrong = called(url.replace("localhost", "127.0.0.1"), trusting)
    prefix = "functions.common.errors.Unavailable: the test service does not answer: its certificate is not trusted"
    assert unknown.startswith(f"{prefix} (unable to get local issuer certificate)")
    assert wrong.startswith(f"{prefix} (IP address mismatch")


def test_a_server_without_tls_at_an_https_url_is_unavailable() -> None:
    with bytes_served(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        error = error_of(lambda: client(url.replace("http:", "https:")).call("GET", "/"))
    assert (type(error), "TLS fails" in str(error)) == (Unavailable, True)


def test_https_trusts_the_public_authorities_which_are_read_once() -> None:
    context = tls_context("https://git.example.com/api/v1")
    assert context.cert_store_stats()["x509_ca"] > 0
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls_context("HTTPS://api.example.com") is context


def test_the_context_of_plain_http_trusts_no_certificate() -> None:
    context = tls_context("http://git.example.com/api/v1")
    assert context.cert_store_stats()["x509_ca"] == 0
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
