"""A statement reaches the server as one piece, without the requests to answer each of its steps."""

import socket
from collections.abc import Iterator

import pytest

from functions.common.adapters.postgres.socket import PostgresSocket
from tests.patience import patient

FLUSH, SYNC = b"H\x00\x00\x00\x04", b"S\x00\x00\x00\x04"
LONG = b"B" + b"x" * 100_000


@pytest.fixture
def wires() -> Iterator[tuple[PostgresSocket, socket.socket]]:
    """Yield both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = PostgresSocket.connected(listener.getsockname(), timeout=patient(5))
        server, _ = listener.accept()
        server.settimeout(patient(5))
        with client, server:
            yield client, server


def test_nothing_is_sent_before_the_end_of_a_statement_and_then_all_but_the_flushes(
    wires: tuple[PostgresSocket, socket.socket],
) -> None:
    client, server = wires
    file = client.makefile(mode="rwb")
    for message in (LONG, FLUSH, b"E", FLUSH, SYNC):
        assert file.write(message) == len(message)
    server.settimeout(0.05)
    with pytest.raises(TimeoutError):
        server.recv(1)

    file.flush()
    file.close()
    client.close()

    server.settimeout(patient(5))
    with server.makefile("rb") as sent:
        assert sent.read() == LONG + b"E" + SYNC


def test_what_the_server_answers_is_read(wires: tuple[PostgresSocket, socket.socket]) -> None:
    client, server = wires
    with client.makefile(mode="rwb") as file:
        server.sendall(b"Z\x00\x00\x00\x05I")
        assert (file.read(5), file.read(1)) == (b"Z\x00\x00\x00\x05", b"I")


def test_a_server_that_says_nothing_is_given_up_after_the_limit(wires: tuple[PostgresSocket, socket.socket]) -> None:
    client, _ = wires
    client.limit(0.05)
    with client.makefile(mode="rwb") as file, pytest.raises(TimeoutError):
        file.read(5)


def test_a_server_that_takes_nothing_is_given_up_after_the_limit(wires: tuple[PostgresSocket, socket.socket]) -> None:
    client, _ = wires
    client.limit(0.05)
    file = client.makefile(mode="rwb")
    with pytest.raises(BlockingIOError):
        file.write(100 * LONG)
