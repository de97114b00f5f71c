"""Watches a server while it is attacked: whether it answers, and how much memory it has."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.wire import send

_EVERY_SECONDS = 0.05
_GIVEN_UP_SECONDS = 20.0
_KIB_PER_MB = 1024


@dataclass(frozen=True, slots=True)
class Probe:
    """A good request and the status that answers it."""

    name: str
    port: int
    sent: bytes
    status: int


@dataclass
class Watch:
    """What came of sending the probes again and again: the `slowest` answer in seconds, and `wrong` ones."""

    slowest: float = 0.0
    count: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self, probe: Probe) -> None:
        """Send a probe once."""
        began = time.monotonic()
        try:
            statuses: tuple[int, ...] | str = send(probe.port, probe.sent, within=_GIVEN_UP_SECONDS).statuses
        except OSError as error:
            statuses = repr(error)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.count += 1
        if statuses != (probe.status,):
            self.wrong.append(f"{probe.name}: {statuses}")


@contextmanager
def watching(probes: Sequence[Probe]) -> Iterator[Watch]:
    """Send each probe twenty times a second meanwhile."""
    watch, has_ended = Watch(), threading.Event()

    def ask_again(probe: Probe) -> None:
        while not has_ended.wait(_EVERY_SECONDS):
            watch.ask(probe)

    threads = [threading.Thread(target=ask_again, args=(probe,)) for probe in probes]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        has_ended.set()
        for thread in threads:
            thread.join()


def memory(process: int) -> float:
    """Return the resident memory of a process and its descendants in MB; those that have ended have none."""
    total = 0.0
    for one in (process, *_descendants(process)):
        for line in _read(f"/proc/{one}/status").splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) / _KIB_PER_MB
    return total


def _descendants(process: int) -> list[int]:
    children = [int(child) for child in _read(f"/proc/{process}/task/{process}/children").split()]
    return [one for child in children for one in (child, *_descendants(child))]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
