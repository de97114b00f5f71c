"""A client of one app that sends requests at a steady rate, and counts the answers by release."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

_APP_SECONDS = 10


@dataclass(kw_only=True)
class AppClient:
    """A kept connection to one app at a known address, verified against the CA; no name is resolved."""

    host: str
    port: int
    ca: Path
    address: str = "127.0.0.1"
    _client: httpx.Client | None = field(default=None, repr=False)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text; status 0 and the error when there was no answer."""
        if self._client is None:
            context = ssl.create_default_context(cafile=str(self.ca))
            self._client = httpx.Client(verify=context, timeout=_APP_SECONDS, trust_env=False)
        try:
            answer = self._client.get(
                f"https://{self.address}:{self.port}{path}",
                headers={"Host": f"{self.host}:{self.port}"},
                extensions={"sni_hostname": self.host},
            )
        except httpx.HTTPError as error:
            return 0, f"{type(error).__name__}: {error}"
        return answer.status_code, answer.text

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()


_WORKERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one request: when it was sent (UNIX seconds), its status (0 without an answer), its text."""

    at: float
    status: int
    text: str

    @property
    def failed(self) -> bool:
        """Whether a user saw an error."""
        return not 200 <= self.status < 400  # noqa: PLR2004 - HTTP's successes and redirects


@dataclass(kw_only=True)
class Probe:
    """Sends `rate` requests a second on a few connections, without retries, and collects the answers."""

    host: str
    port: int
    ca: Path
    rate: float
    address: str = "127.0.0.1"
    answers: list[Answer] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, worker: int) -> None:
        """Send one worker's share of the requests, evenly spaced, until stopped."""
        pause = _WORKERS / self.rate
        client = AppClient(host=self.host, port=self.port, ca=self.ca, address=self.address)
        due = time.monotonic() + worker / self.rate
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due += pause
            at = time.time()
            status, text = client.get("/")
            self.answers.append(Answer(at=at, status=status, text=text))
        client.close()

    def stop(self) -> None:
        """Stop all workers after their current request."""
        self._stopped.set()


@contextmanager
def probing(*, host: str, port: int, ca: Path, rate: float, address: str = "127.0.0.1") -> Iterator[Probe]:
    """Send requests during the block."""
    probe = Probe(host=host, port=port, ca=ca, rate=rate, address=address)
    threads = [threading.Thread(target=probe.run, args=(worker,), daemon=True) for worker in range(_WORKERS)]
    for thread in threads:
        thread.start()
    try:
        yield probe
    finally:
        probe.stop()
        for thread in threads:
            thread.join(timeout=30)


def split(answers: list[Answer], marks: list[tuple[float, int]], is_new: Callable[[Answer], bool]) -> dict[int, float]:
    """Return the percentage of answers from the new version for each weight, set at its time in `marks`."""
    shares = {}
    ends = [*[at for at, _ in marks[1:]], float("inf")][: len(marks)]
    for (start, weight), end in zip(marks, ends, strict=True):
        during = [answer for answer in answers if start <= answer.at < end and not answer.failed]
        if during:
            shares[weight] = 100 * sum(map(is_new, during)) / len(during)
    return shares
