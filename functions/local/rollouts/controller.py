"""The loop that makes what runs into what is wanted."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from functions.common.errors import Unavailable
from functions.local.rollouts.ingress import CertificateNotes, Ingress
from functions.local.rollouts.retention import Retention
from functions.local.rollouts.state_machine import Machine
from functions.local.rollouts.store import Rollouts
from functions.local.rollouts.termination import Ending

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_BETWEEN_STEPS_SECONDS = 0.02
_SYNC_SECONDS = 0.2
_UPKEEP_SECONDS = 1.0
_SWEEP_SECONDS = 10.0
_CERTIFICATES_AGAIN_SECONDS = 600.0
_RETENTION_SECONDS = 600.0
_AFTER_TROUBLE_SECONDS = 0.3
_WORKERS = 8


@dataclass(slots=True, kw_only=True)
class RolloutController:
    """Works on several environments side by side, on each by one thread at a time."""

    rollouts: Rollouts
    machine: Machine
    ingress: Ingress
    ending: Ending
    certificates: CertificateNotes
    retention: Retention
    _working: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _due: dict[str, float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; what is under way goes on with the next start."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="rollout") as pool:
            while not stop.wait(_POLL_SECONDS):
                try:
                    self._tick(pool, stop)
                except Unavailable as error:
                    _LOG.warning("rollouts wait: %s", error)
                    stop.wait(_AFTER_TROUBLE_SECONDS)
                except Exception:  # noqa: BLE001 - one bug must not stop all apps
                    _LOG.exception("the controller goes on")
                    stop.wait(_AFTER_TROUBLE_SECONDS)
            self._close_connections(pool)

    def _close_connections(self, pool: ThreadPoolExecutor) -> None:
        everybody = threading.Barrier(_WORKERS)

        def close() -> None:
            everybody.wait()  # each thread has a connection of its own, and no thread does this twice
            self.rollouts.database.close()

        for _ in range(_WORKERS):
            pool.submit(close)
        self.rollouts.database.close()

    def _tick(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        if self._is_due("sync", _SYNC_SECONDS):
            self.ingress.sync(certain=self._is_due("certain", _UPKEEP_SECONDS))
            self.certificates.note(again=self._is_due("certificates", _CERTIFICATES_AGAIN_SECONDS))
        if self._is_due("sweep", _SWEEP_SECONDS):
            self.ending.sweep()
        if self._is_due("retention", _RETENTION_SECONDS):
            pool.submit(self._clean)
        everything = self._is_due("upkeep", _UPKEEP_SECONDS)
        for key in self.rollouts.environments() if everything else self.rollouts.busy():
            with self._lock:
                if key in self._working:
                    continue
                self._working.add(key)
            pool.submit(self._work, key, stop)

    def _work(self, key: tuple[str, str], stop: threading.Event) -> None:
        """Take an environment on until nothing is to be done there."""
        try:
            before: tuple[object, ...] = ()
            while not stop.is_set():
                now = self.machine.advance(*key)
                if now == before:
                    stop.wait(_BETWEEN_STEPS_SECONDS)
                before = now
                if key not in self.rollouts.busy():
                    return
        except Unavailable as error:
            _LOG.warning("%s/%s waits: %s", *key, error)
            stop.wait(_AFTER_TROUBLE_SECONDS)
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("%s/%s is tried again", *key)
            stop.wait(_AFTER_TROUBLE_SECONDS)
        finally:
            with self._lock:
                self._working.discard(key)

    def _clean(self) -> None:
        try:
            self.retention()
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("what is old is deleted later")

    def _is_due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True
