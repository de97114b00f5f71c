"""Bodies that no function can use, sent to real functions: 400 or 413, no traceback, and the function goes on."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from functions.common.runtime import subscriber as events
from functions.common.runtime.http import HEALTH_PATH
from functions.manage_apps import app as api
from functions.verify_webhook import app as webhooks
from tests.common.served import LOG, served
from tests.contract.deliveries import NOWHERE
from tests.local.waiting import until

FUNCTIONS = {
    "verify_webhook": ("/v1/webhooks/forgejo", webhooks.MAX_BODY),
    "resolve_app": ("/", events.MAX_BODY),
    "manage_apps": ("/v1/apps", api.MAX_BODY),
}
END = b"\r\n0\r\n\r\n"  # of the last chunk, and of the body
UNREADABLE = {
    "chunk size": b"zz\r\nhello\r\n0\r\n\r\n",
    "negative chunk size": b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "no line break after a chunk": b"5\r\nhelloXX0\r\n\r\n",
    "chunk extension": b"5;\x00=1\r\nhello\r\n0\r\n\r\n",
    "endless chunk size": b"0" * 20_000,
    "trailer": b"5\r\nhello\r\n0\r\nno colon here\r\n\r\n",
    "endless trailers": b"5\r\nhello\r\n0\r\n" + b"x: y\r\n" * 200_000,
}


@pytest.fixture(scope="module", params=FUNCTIONS)
def function(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int, int]]:
    """Return the path of a real function where it takes bodies, their limit, and its port."""
    name, folder = request.param, tmp_path_factory.mktemp("function")
    settings = {
        "DATABASE_URL": NOWHERE,
        "DEFAULT_DOMAIN": "apps.example.org",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(folder),
        "SLIPWAY_GIT_URL": "http://127.0.0.1:1",
    }
    source = f"from functions.{name}.app import {name} as target\n"
    with served(source, folder, ready=HEALTH_PATH, **settings) as port:
        yield (*FUNCTIONS[name], port)
        log = (folder / LOG).read_text()
        assert "Traceback" not in log, log


def exchange(port: int, request: bytes, *, end: bool = False) -> int:
    """Send a request and return the status of the answer; `end` ends the client's side of the connection first."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request)
        if end:
            client.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        answer.read()
        return answer.status


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def is_healthy(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request("GET", HEALTH_PATH)
        return client.getresponse().status == 204


def test_invalid_chunks_are_answered_with_400(function: tuple[str, int, int]) -> None:
    path, _, port = function
    chunked = head(path, "Transfer-Encoding: chunked")
    statuses = {name: exchange(port, chunked + body) for name, body in UNREADABLE.items()}
    assert statuses == dict.fromkeys(UNREADABLE, 400)
    assert is_healthy(port)


def test_invalid_chunks_end_the_connection(function: tuple[str, int, int]) -> None:
    path, _, port = function
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head(path, "Transfer-Encoding: chunked") + b"zz\r\n" + head(path, "Content-Length: 0"))
        answers = b"".join(iter(lambda: client.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("header", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_ends_early_is_answered_with_400(function: tuple[str, int, int], header: str) -> None:
    path, _, port = function
    assert exchange(port, head(path, header) + b"5\r\nhe", end=True) == 400
    assert is_healthy(port)


def test_a_body_over_the_limit_is_answered_with_413(function: tuple[str, int, int]) -> None:
    path, limit, port = function
    chunked = head(path, "Transfer-Encoding: chunked")
    assert exchange(port, head(path, f"Content-Length: {limit + 1}")) == 413
    assert exchange(port, chunked + b"%x\r\n" % (limit + 1) + bytes(limit + 1) + END) == 413
    assert exchange(port, chunked + b"%x\r\n" % limit + bytes(limit) + END) in {400, 401}
    assert is_healthy(port)


def test_a_client_that_leaves_in_the_middle_of_a_body_does_no_harm(function: tuple[str, int, int]) -> None:
    path, _, port = function
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(head(path, "Content-Length: 100000") + b"x" * 50_000)
    assert until(lambda: is_healthy(port), seconds=20)
