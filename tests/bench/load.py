"""The load: a process of its own that sends prepared webhooks over kept connections, as fast as they are answered.

`python -m tests.bench.load PORT PATH SECRET COUNT CONNECTIONS TAG`; prints JSON.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.payload import BODY_BYTES, push, raw_request, signed_headers

REPOSITORY = {"clone_url": "http://git.example.com/team/nobody.git", "full_name": "team/nobody"}


@dataclass(kw_only=True)
class Tally:
    """What came back."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class Client(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next; opens anew when the server closes."""

    def __init__(self, port: int, requests: Iterator[bytes], tally: Tally, done: asyncio.Future[None]) -> None:
        self._port, self._requests, self._tally, self._done = port, requests, tally, done
        self._answer, self._pending, self._sent = bytearray(), b"", 0.0

    async def open(self) -> None:
        """Connect, and send."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what is pending, or the next request."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and go on."""
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not found or len(body) < length:
            return
        self._tally.seconds.append(time.perf_counter() - self._sent)
        self._tally.statuses[int(head[9:12])] += 1
        self._answer, self._pending = bytearray(), b""
        if b"connection: close" not in head.lower():
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Open anew while there is something to send."""
        del exc
        if not self._done.done():
            self._reopening = asyncio.ensure_future(self.open())

    def _send(self) -> None:
        if not self._pending:
            self._pending, self._sent = next(self._requests, b""), time.perf_counter()
        if self._pending and isinstance(self._transport, asyncio.Transport):
            self._transport.write(self._pending)
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()


def prepared(path: str, secret: str, count: int, tag: str) -> list[bytes]:
    """Return requests with ids, commits and signatures of their own."""
    requests = []
    for number in range(count):
        delivery = f"{tag}-{number}"
        body = push(hashlib.sha256(delivery.encode()).hexdigest()[:40], size=BODY_BYTES, **REPOSITORY)
        requests.append(raw_request(path, signed_headers(body, secret=secret, delivery=delivery), body))
    return requests


async def send(port: int, requests: list[bytes], connections: int) -> dict[str, object]:
    """Send them all and return what came of it."""
    tally, shared = Tally(), iter(requests)
    started = time.perf_counter()
    done = [asyncio.get_running_loop().create_future() for _ in range(connections)]
    for one in done:
        await Client(port, shared, tally, one).open()
    await asyncio.gather(*done)
    total, latencies = time.perf_counter() - started, sorted(tally.seconds)
    return {
        "rate": len(latencies) / total,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        "statuses": {str(status): count for status, count in tally.statuses.items()},
    }


def main(arguments: list[str]) -> None:
    """Prepare, send, print."""
    port, path, secret, count, connections, tag = arguments
    requests = prepared(path, secret, int(count), tag)
    print(json.dumps(asyncio.run(send(int(port), requests, int(connections)))))


if __name__ == "__main__":
    main(sys.argv[1:])
