"""Clients that send one request after another and never try one twice."""

import http.client
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.patience import patient


@dataclass(slots=True, kw_only=True)
class Load:
    """Half of the clients keep their connection, half open one for each request."""

    host: str
    port: int
    context: ssl.SSLContext
    pause: float = 0.01
    path: str = "/"
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def shares(self, begin: float = 0.0, end: float = float("inf")) -> Counter[str]:
        """Return how many answers came from each release between two moments (monotonic)."""
        return Counter(text for at, _, text in self.answers if begin <= at < end)

    def client(self, *, keep: bool, method: str) -> None:
        """Send requests until stopped."""
        connection = self.connection()
        while not self._stop.wait(self.pause):
            try:
                if not keep:
                    connection = self.connection()
                self._ask(connection, method)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{method} keep={keep} {type(error).__name__} {error}")
                connection.close()
                connection = self.connection()
            finally:
                if not keep:
                    connection.close()
        connection.close()

    def _ask(self, connection: http.client.HTTPSConnection, method: str) -> None:
        connection.request(method, self.path, body=b"x" if method == "POST" else None)
        response = connection.getresponse()
        text = response.read().decode().strip()
        self.answers.append((time.monotonic(), response.status, text))
        if response.status != 200:
            self.failures.append(f"{method} {response.status} {text}")

    def connection(self) -> http.client.HTTPSConnection:
        """Return a new connection to the app."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=patient(20), context=self.context)
        connection._create_connection = self._connect  # type: ignore[attr-defined] # noqa: SLF001 - names need no resolver
        return connection

    def _connect(self, _address: object, timeout: float, _source: object = None) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)


@contextmanager
def under_load(load: Load, *, clients: int = 4, posts: bool = True) -> Iterator[Load]:
    """Run the clients around the block."""
    kinds = [(number % 2 == 0, "POST" if posts and number == clients - 1 else "GET") for number in range(clients)]
    threads = [threading.Thread(target=load.client, kwargs={"keep": keep, "method": method}) for keep, method in kinds]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load._stop.set()  # noqa: SLF001 - its own module
        for thread in threads:
            thread.join()
