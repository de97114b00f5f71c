"""Requests to a function that is served as every function is: bodies, connections, and the end of the process."""

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bench.processes import listens
from tests.common.served import served
from tests.local.waiting import until

SOURCE = """
import os
from flask import Response

LARGE = b"x" * 3_000_000

def target(request):
    if request.path == "/none":
        return "", 204
    if request.path == "/empty":
        return "", 202
    if request.path == "/large":
        return LARGE
    if request.path == "/length":
        return str(len(request.get_data()))
    if request.path == "/chunks":
        return Response(iter(["one ", "two ", "three"]))
    if request.path == "/short":
        return Response(iter(["half"]), headers={"Content-Length": "8"})
    if request.path == "/broken":
        return Response(broken(), headers={"Content-Length": "8"})
    if request.path == "/server":
        return str(os.getppid())
    return request.get_data() or b"no body"

def broken():
    yield b""
    raise ValueError("in the middle")
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(SOURCE, tmp_path_factory.mktemp("served")) as port:
        yield port


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        yield connection


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> bytes:
    connection.request(method, path, body)
    return connection.getresponse().read()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", b"no body"),
        ("HEAD", "/", b""),
        ("GET", "/none", b""),
        ("GET", "/empty", b""),
        ("GET", "/chunks", b"one two three"),
        ("HEAD", "/large", b""),
        ("GET", "/large", b"x" * 3_000_000),
    ],
)
def test_every_kind_of_answer_is_complete_and_the_connection_is_kept(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes
) -> None:
    assert ask(connection, method, path) == body
    first = connection.sock
    assert ask(connection, "POST", "/", b"again") == b"again"
    assert connection.sock is first


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_last_answer_on_a_connection_is_complete(port: int, method: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"%s / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % method.encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nno body" if method == "GET" else b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/short", "/broken"])
def test_a_client_can_tell_that_an_answer_was_cut_off(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    connection.sock.settimeout(1)
    with pytest.raises((http.client.IncompleteRead, TimeoutError)):
        answer.read()


def test_clients_that_leave_early_do_no_harm(port: int, connection: http.client.HTTPConnection) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    assert ask(connection, "POST", "/", b"still there") == b"still there"


def test_a_slow_body_is_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for _ in range(2):  # on a new connection and on a kept one
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
            time.sleep(0.05)
            for letter in b"slow":
                client.sendall(bytes([letter]))
                time.sleep(0.02)
            answer = b""
            while not answer.endswith(b"\r\n\r\nslow"):
                answer += client.recv(65536)


@pytest.mark.parametrize("size", [0, 8191, 8192, 8193, 1_000_000])
def test_a_body_of_any_size_arrives_complete(connection: http.client.HTTPConnection, size: int) -> None:
    for _ in range(2):
        assert ask(connection, "POST", "/length", bytes(size)) == str(size).encode()


def test_requests_that_are_sent_together_are_answered_in_turn(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for _ in range(5):
            client.sendall(REQUEST * 3)
            got = b""
            while got.count(b"no body") < 3:
                got += client.recv(65536)


def test_many_connections_share_one_thread(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path, THREADS="1") as port:
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(3)]
        for number in range(60):
            body = b"%02d" % number
            assert ask(clients[number % 3], "POST", "/", body) == body
        for client in clients:
            client.close()


def test_sigterm_ends_a_function_under_load_without_a_lost_answer(tmp_path: Path) -> None:
    failures = list[str]()

    def load(port: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as client:
            client.connect()
            while True:
                client.request("GET", "/")
                answer = client.getresponse()
                if answer.read() != b"no body":
                    failures.append(f"{answer.status}")
                if answer.getheader("Connection") == "close":
                    return
                if client.sock is None:
                    failures.append("closed without notice")
                    return

    with served(SOURCE, tmp_path) as port:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as client:
            server = int(ask(client, "GET", "/server"))
        threads = [threading.Thread(target=load, args=(port,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        os.kill(server, signal.SIGTERM)
        for thread in threads:
            thread.join(20)
        until(lambda: not listens(port)(), seconds=20, why="the end of the function")
    assert not [thread for thread in threads if thread.is_alive()]
    assert failures == []
