"""The load: a process that sends prepared webhooks over kept connections, as fast as they are answered.

It shares the processors with what it measures, so it does as little as possible. The webhooks are of pushed tags: they
are stored and published as all others, and no function has a Trigger on their event.

`python -m tests.bench.load PORT PATH SECRET GIT COUNT CONNECTIONS TAG`; prints JSON.
"""

import hashlib
import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.payload import BODY_BYTES, of_no_app, push, raw_request, signed_headers

_PATIENCE_SECONDS, _MAX_ANSWER = 60, 65536


@dataclass(kw_only=True)
class Tally:
    """The answers."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class Client:
    """One connection: sends a request, waits for its answer, sends the next; connects again when the server closes."""

    def __init__(self, port: int, requests: Iterator[bytes], tally: Tally) -> None:
        self._port, self._requests, self._tally = port, requests, tally
        self._answer, self._pending, self._sent = b"", b"", 0.0

    def open(self) -> int:
        """Connect, send what is pending or the next request, and return the socket's number; -1 with nothing left."""
        self._answer = b""
        self._wire = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE_SECONDS)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._wire.fileno() if self._send() else -1

    def receive(self) -> bool:
        """Read, and send the next request when an answer is complete; False when the connection has ended."""
        data = self._wire.recv(_MAX_ANSWER)
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        head = head.lower()
        if not found or len(body) < int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0):
            return bool(data)
        self._tally.seconds.append(time.perf_counter() - self._sent)
        self._tally.statuses[int(head[9:12])] += 1
        self._answer, self._pending = b"", b""
        return b"connection: close" not in head and self._send()

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _send(self) -> bool:
        if not self._pending:
            self._pending, self._sent = next(self._requests, b""), time.perf_counter()
        if self._pending:
            self._wire.sendall(self._pending)
        return bool(self._pending)


def prepared(path: str, secret: str, git: str, count: int, tag: str) -> list[bytes]:
    """Return requests with ids, commits and signatures of their own."""
    requests = []
    for number in range(count):
        delivery = f"{tag}-{number}"
        sha = hashlib.sha256(delivery.encode()).hexdigest()[:40]
        body = push(sha, ref=f"refs/tags/{delivery}", size=BODY_BYTES, **of_no_app(git))
        requests.append(raw_request(path, signed_headers(body, secret=secret, delivery=delivery), body))
    return requests


def send(port: int, requests: list[bytes], connections: int) -> dict[str, object]:
    """Send them all and return rate, latencies and statuses."""
    tally, left = Tally(), iter(requests)
    started = time.perf_counter()
    with select.epoll() as poll:
        clients = dict[int, Client]()
        for _ in range(connections):
            _join(Client(port, left, tally), clients, poll)
        while clients:
            ready = poll.poll(_PATIENCE_SECONDS)
            if not ready:
                msg = f"no answer on any of {len(clients)} connections within {_PATIENCE_SECONDS} s"
                raise TimeoutError(msg)
            for number, _ in ready:
                if not clients[number].receive():
                    client = clients.pop(number)
                    client.close()
                    _join(client, clients, poll)
    total, latencies = time.perf_counter() - started, sorted(tally.seconds)
    return {
        "rate": len(latencies) / total,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
    }


def _join(client: Client, clients: dict[int, Client], poll: select.epoll) -> None:
    """Connect the client, if there is anything left to send."""
    number = client.open()
    if number < 0:
        client.close()
        return
    clients[number] = client
    poll.register(number, select.EPOLLIN)


def main(arguments: list[str]) -> None:
    """Prepare, send, print."""
    port, path, secret, git, count, connections, tag = arguments
    requests = prepared(path, secret, git, int(count), tag)
    print(json.dumps(send(int(port), requests, int(connections))))


if __name__ == "__main__":
    main(sys.argv[1:])
