"""A thread stays with a connection that asks again at once, and keeps nobody else waiting by it."""

import http.client
import os
import signal
import socket
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from tests.bench.processes import listens
from tests.common.served import served
from tests.local.waiting import until
from tests.patience import patient

SOURCE = """
import os
import threading

def target(request):
    return f"{os.getppid() if request.path == '/server' else threading.get_ident():020}"
"""
REQUEST, IDENTITY = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 20


def answers(wire: socket.socket, count: int) -> list[bytes]:
    """Return the bodies of as many answers as come behind each other."""
    got = b""
    while got.count(b"\r\n\r\n") < count or len(got.rpartition(b"\r\n\r\n")[2]) < IDENTITY:
        more = wire.recv(65536)
        assert more, f"the connection ended after {got!r}"
        got += more
    return [piece[:IDENTITY] for piece in got.split(b"\r\n\r\n")[1:]]


def _connection(port: int) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patient(5)))


def test_one_thread_answers_a_connection_that_asks_again_at_once(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path) as port, socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
        threads = []
        for _ in range(60):
            wire.sendall(REQUEST)
            threads += answers(wire, 1)
    stayed = sum(one == other for one, other in pairwise(threads))
    assert stayed > 30, "threads take turns otherwise"


def test_connections_share_the_only_thread(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path, THREADS="1") as port:
        wires = [socket.create_connection(("127.0.0.1", port), timeout=patient(5)) for _ in range(3)]
        for number in range(60):
            wire = wires[number % 3]
            wire.sendall(REQUEST)
            assert len(answers(wire, 1)) == 1
        for wire in wires:
            wire.close()


def test_requests_that_are_sent_together_are_answered_in_turn(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path) as port, socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
        for _ in range(5):
            wire.sendall(REQUEST * 3)
            assert len(answers(wire, 3)) == 3


def test_a_connection_that_rests_is_answered_later(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path) as port, _connection(port) as connection:
        for rest in (0, 0.02, 0.5):
            time.sleep(rest)
            connection.request("GET", "/")
            assert len(connection.getresponse().read()) == IDENTITY


def test_a_function_ends_although_a_connection_keeps_asking(tmp_path: Path) -> None:
    with served(SOURCE, tmp_path) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=patient(5)) as wire:
            wire.sendall(REQUEST.replace(b"/", b"/server", 1))
            os.kill(int(answers(wire, 1)[0]), signal.SIGTERM)
            last = b""
            while b"Connection: close" not in last:
                wire.sendall(REQUEST)
                last = wire.recv(65536)
                assert last, "the last answer does not say that it is"
        until(lambda: not listens(port)(), seconds=10, why="the end of the function")
