"""Watches a running platform: reports what fails, and restarts what the process manager does not."""

import http.client
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from functions.common.errors import Unavailable
from functions.local.files import FULL_BYTES, free_bytes
from functions.local.platform.health import last_words
from functions.local.platform.supervisor import Supervisor

_POLL_SECONDS = 1.0
_TIMEOUT_SECONDS = 2.0
# A program that ends so often, in so many seconds, is reported, and reported again when it has run so long.
_FAILURES, _FAILURE_SECONDS, _WELL_SECONDS = 3, 60.0, 15.0
_ROOM_BYTES = 16 * 1024**2
_NATS_UNHEALTHY_SECONDS, _NATS_PAUSE_SECONDS = 3.0, 15.0


@dataclass(slots=True, kw_only=True)
class Monitor:
    """`folders` are those whose disks must have room, `nats_port` is that of NATS's health endpoint."""

    supervisor: Supervisor
    folders: Sequence[Path]
    nats_port: int
    logs: Path
    say: Callable[[str], None]
    # supervisord waits a second longer after each start that failed: after an hour of failures a minute and more.
    max_backoff: float = 10
    _starts: dict[str, deque[tuple[int, float]]] = field(default_factory=lambda: defaultdict(deque))
    _failing: set[str] = field(default_factory=set)
    _is_full: bool = False
    _last_error: str = ""
    _nats_unhealthy_since: float | None = None
    _nats_restarted_at: float = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set."""
        while not stop.wait(_POLL_SECONDS):
            try:
                self._watch()
            except Unavailable:
                continue  # Platform.wait() returns when the process manager has ended
            except Exception as error:  # noqa: BLE001 - such as an answer that is not XML; the watch must go on
                self._say_once(f"the monitor cannot look: {type(error).__name__}: {error}")

    def _watch(self) -> None:
        self._watch_disks()
        for info in self.supervisor.call("getAllProcessInfo") or []:
            if not info["name"].startswith("app."):  # the rollout controller watches apps
                self._watch_program(info)
        self._watch_nats()

    def _say_once(self, text: str) -> None:
        if text != self._last_error:
            self._last_error = text
            self.say(text)

    def _watch_disks(self) -> None:
        free = {folder: free_bytes(folder) for folder in self.folders}
        folder = min(free, key=lambda one: free[one])
        if not self._is_full and free[folder] < FULL_BYTES:
            self._is_full = True
            self.say(f"the disk of {folder} is full: pushes and webhooks are refused until there is room")
        elif self._is_full and free[folder] >= _ROOM_BYTES:
            self._is_full = False
            self.say(f"the disk of {folder} has room again")

    def _watch_program(self, info: dict[str, Any]) -> None:
        name, now = info["name"], time.monotonic()
        starts = self._starts[name]
        if info["start"] and (not starts or starts[-1][0] != info["start"]):
            starts.append((info["start"], now))
        while len(starts) > 1 and now - starts[0][1] > _FAILURE_SECONDS:
            starts.popleft()
        if info["statename"] == "BACKOFF" and info["now"] - info["start"] >= self.max_backoff:
            self._start(name)
        if name not in self._failing and len(starts) > _FAILURES:
            self._failing.add(name)
            log = self.logs / f"{name}.log"
            words = f"{name} has ended {len(starts) - 1} times in {now - starts[0][1]:.0f} s and is restarted each time"
            self.say(f"{words}: see {log}{last_words(log)}")
        elif name in self._failing and info["statename"] == "RUNNING" and info["now"] - info["start"] > _WELL_SECONDS:
            self._failing.discard(name)
            starts.clear()
            self.say(f"{name} runs again")

    def _start(self, name: str) -> None:
        self.supervisor.call("stopProcess", name)
        self.supervisor.call("startProcess", name, False)

    def _watch_nats(self) -> None:
        """Restart NATS when it stays unhealthy: after a failed write its stream refuses all events until then."""
        problem, now = self._nats_problem(), time.monotonic()
        if not problem:
            self._nats_unhealthy_since = None
            return
        since = self._nats_unhealthy_since = self._nats_unhealthy_since or now
        is_due = now - since > _NATS_UNHEALTHY_SECONDS and now - self._nats_restarted_at > _NATS_PAUSE_SECONDS
        if is_due and not self._is_full:
            self._nats_restarted_at = now
            self.say(f"nats is restarted, because it is unhealthy: {problem}")
            self.supervisor.call("signalProcess", "nats", "TERM")  # it ends, and supervisord starts it again

    def _nats_problem(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.nats_port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            text = response.read(1024).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException):
            return ""  # it is starting: supervisord takes care of that
        finally:
            connection.close()
        return "" if response.status == HTTPStatus.OK else _error_in(text)


@contextmanager
def monitoring(monitor: Monitor) -> Iterator[None]:
    """Watch during the block."""
    stop = threading.Event()
    thread = threading.Thread(target=monitor.run, args=(stop,), name="monitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=_TIMEOUT_SECONDS)


def _error_in(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text
