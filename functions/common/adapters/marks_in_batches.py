"""Notes that events were published a moment later, many in one statement.

The note is no promise to anybody: one that is lost makes reconcile send the event again, under its
own id. So it need not cost every webhook a statement of its own.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from functions.common.errors import Unavailable

COLLECT_SECONDS = 0.05  # far below the lease after which reconcile sends an event again
MAX_BATCH = 1000

_log = logging.getLogger("slipway")


class MarkingStore(Protocol):
    """A store that can mark many at once."""

    def mark_all(self, event_ids: Sequence[str]) -> None:
        """Note that the broker has these events. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksInBatches:
    """Marks over a store; its one thread starts with the first mark, so after any fork."""

    inner: MarkingStore
    _marks: SimpleQueue[str] = field(default_factory=SimpleQueue, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _started: list[threading.Thread] = field(default_factory=list, repr=False)

    def mark_published(self, event_id: str) -> None:
        """Note soon that the broker has the event; never raises."""
        self._marks.put(event_id)
        if not self._started:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                thread = threading.Thread(target=self._run, name="marks", daemon=True)
                self._started.append(thread)
                thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._marks.get()]
            time.sleep(COLLECT_SECONDS)
            try:
                while len(batch) < MAX_BATCH:
                    batch.append(self._marks.get_nowait())
            except Empty:
                pass
            self._mark(batch)

    def _mark(self, batch: list[str]) -> None:
        try:
            self.inner.mark_all(batch)
        except Unavailable as error:
            _log.warning("published events are not marked, reconcile sends them again: %s", error)
        except Exception:  # noqa: BLE001 - the thread must outlive whatever a store throws at it
            _log.exception("published events are not marked, reconcile sends them again")
