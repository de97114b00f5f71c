"""The rollout controller: a loop that makes what runs into what is wanted."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from functions.common.errors import Unavailable
from functions.local.rollouts.ingress import CertificateRecorder, Ingress
from functions.local.rollouts.retention import Retention
from functions.local.rollouts.state_machine import StateMachine
from functions.local.rollouts.store import RolloutStore
from functions.local.rollouts.termination import Termination

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_BETWEEN_STEPS_SECONDS = 0.02
_AFTER_FAILURE_SECONDS = 0.3
_WORKERS = 8
# How often each part is done.
_SYNC_SECONDS = 0.2
_CADDY_SECONDS = 1.0
_ALL_ENVIRONMENTS_SECONDS = 1.0
_ORPHANS_SECONDS = 10.0
_CERTIFICATES_SECONDS = 600.0
_RETENTION_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class RolloutController:
    """Works on several environments in parallel, on each by one thread at a time."""

    store: RolloutStore
    state_machine: StateMachine
    ingress: Ingress
    termination: Termination
    certificates: CertificateRecorder
    retention: Retention
    _in_work: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _due: dict[str, float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; the next controller continues."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="rollout") as pool:
            while not stop.wait(_POLL_SECONDS):
                try:
                    self._tick(pool, stop)
                except (Unavailable, OSError) as error:  # OSError: such as a full disk
                    _LOG.warning("rollouts wait: %s", error)
                    stop.wait(_AFTER_FAILURE_SECONDS)
                except Exception:  # noqa: BLE001 - one bug must not stop all apps
                    _LOG.exception("the controller continues")
                    stop.wait(_AFTER_FAILURE_SECONDS)
            self._close_connections(pool)
        self.state_machine.ports.close()

    def _close_connections(self, pool: ThreadPoolExecutor) -> None:
        barrier = threading.Barrier(_WORKERS)

        def close() -> None:
            barrier.wait()  # every thread takes one of these tasks, and closes its own connection
            self.store.database.close()

        for _ in range(_WORKERS):
            pool.submit(close)
        self.store.database.close()

    def _tick(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        if self._is_due("sync", _SYNC_SECONDS):
            self.ingress.sync(verify=self._is_due("caddy", _CADDY_SECONDS))
            self.certificates.record(refresh=self._is_due("certificates", _CERTIFICATES_SECONDS))
        if self._is_due("orphans", _ORPHANS_SECONDS):
            self.termination.stop_orphans()
        if self._is_due("retention", _RETENTION_SECONDS):
            pool.submit(self._clean)
        is_full = self._is_due("all environments", _ALL_ENVIRONMENTS_SECONDS)
        for key in self.store.environments() if is_full else self.store.pending():
            with self._lock:
                if key in self._in_work:
                    continue
                self._in_work.add(key)
            pool.submit(self._work, key, stop)

    def _work(self, key: tuple[str, str], stop: threading.Event) -> None:
        """Advance an environment until there is nothing to do."""
        try:
            before: tuple[object, ...] = ()
            while not stop.is_set():
                now = self.state_machine.advance(*key)
                if now == before:
                    stop.wait(_BETWEEN_STEPS_SECONDS)
                before = now
                if key not in self.store.pending():
                    return
        except (Unavailable, OSError) as error:
            _LOG.warning("%s/%s waits: %s", *key, error)
            stop.wait(_AFTER_FAILURE_SECONDS)
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("%s/%s is tried again", *key)
            stop.wait(_AFTER_FAILURE_SECONDS)
        finally:
            with self._lock:
                self._in_work.discard(key)

    def _clean(self) -> None:
        try:
            self.retention()
        except Exception:  # noqa: BLE001 - as above
            _LOG.exception("retention is tried again later")

    def _is_due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True
