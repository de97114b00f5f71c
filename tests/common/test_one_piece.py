"""Answers leave as one piece, and those that gunicorn ends in another way leave whole."""

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from functions.common.runtime.one_piece import OnePieceSocket
from tests.common.served import served
from tests.patience import patient

SOURCE = """
from flask import Response

LARGE = b"x" * 3_000_000

def target(request):
    if request.path == "/none":
        return "", 204
    if request.path == "/empty":
        return "", 202
    if request.path == "/large":
        return LARGE
    if request.path == "/chunks":
        return Response(iter(["one ", "two ", "three"]))
    if request.path == "/short":
        return Response(iter(["half"]), headers={"Content-Length": "8"})
    if request.path == "/nothing":
        return Response(iter([]), headers={"Content-Length": "8"})
    if request.path == "/broken":
        return Response(broken(), headers={"Content-Length": "8"})
    return request.get_data() or b"nothing sent"

def broken():
    yield b""
    raise ValueError("in the middle")
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    place: Path = tmp_path_factory.mktemp("one_piece")
    with served(SOURCE, place) as port:
        yield port


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patient(5))) as connection:
        yield connection


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> bytes:
    connection.request(method, path, body)
    return connection.getresponse().read()


def test_head_and_body_come_together_on_a_kept_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
        for number in range(50):
            wire.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n%02d" % number)
            answer = wire.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n%02d" % number)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", b"nothing sent"),
        ("HEAD", "/", b""),
        ("GET", "/none", b""),
        ("GET", "/empty", b""),
        ("GET", "/chunks", b"one two three"),
        ("HEAD", "/large", b""),
        ("GET", "/large", b"x" * 3_000_000),
    ],
)
def test_every_kind_of_answer_is_whole_and_the_connection_goes_on(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes
) -> None:
    assert asked(connection, method, path) == body
    wire = connection.sock
    assert asked(connection, "POST", "/", b"again") == b"again"
    assert connection.sock is wire


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_ends_the_connection_is_whole(port: int, method: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
        wire.sendall(b"%s / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % method.encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nnothing sent" if method == "GET" else b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/short", "/nothing", "/broken"])
def test_a_body_that_is_cut_off_is_seen_to_be(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    connection.sock.settimeout(patient(1))
    with pytest.raises((http.client.IncompleteRead, TimeoutError)):
        answer.read()


def test_who_goes_away_early_takes_nothing_with_him(port: int, connection: http.client.HTTPConnection) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
            wire.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    assert asked(connection, "POST", "/", b"still there") == b"still there"


def test_a_body_that_comes_slowly_is_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
        for _ in range(2):  # on a new connection and on a kept one
            wire.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
            time.sleep(0.05)
            for letter in b"slow":
                wire.sendall(bytes([letter]))
                time.sleep(0.02)
            assert wire.recv(65536).endswith(b"\r\n\r\nslow")


@pytest.fixture
def pair() -> Iterator[tuple[OnePieceSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # as gunicorn hands it over
    with closing(OnePieceSocket.of(ours)) as taken, closing(theirs):
        yield taken, theirs


def test_a_time_limit_comes_into_force_when_it_is_needed(pair: tuple[OnePieceSocket, socket.socket]) -> None:
    ours, theirs = pair
    with pytest.raises(BlockingIOError):
        ours.recv(10)

    ours.settimeout(0.01)
    assert ours.gettimeout() == 0.01
    with pytest.raises(TimeoutError):
        ours.recv(10)

    ours.setblocking(True)
    late = threading.Timer(0.1, theirs.sendall, (b"late",))
    late.start()
    assert ours.recv(10) == b"late"
    late.join()


def test_a_time_limit_that_is_not_needed_costs_no_system_call(pair: tuple[OnePieceSocket, socket.socket]) -> None:
    ours, _ = pair

    ours.setblocking(True)

    assert not os.get_blocking(ours.fileno())
