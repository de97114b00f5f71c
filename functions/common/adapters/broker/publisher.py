"""Publishes in the background what was stored, and marks it as published in batches."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.envelope import Envelope

# Publishes stored events from a thread of its own: what gathers while one lot is being sent makes the next.
#
# So no webhook waits for the broker, and a busy moment costs few threads their turn.

MAX_WAITING = 64  # beyond it callers wait: a burst must not be promised faster than it is published
PATIENCE_SECONDS = 1.0
GATHER_SECONDS = 0.006  # in a busy moment a lot waits so long for more: each costs the webhooks' threads their turn

_log = logging.getLogger("slipway")


class ManySink(Protocol):
    """A sink that can send many at once."""

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        """Send events as they are; return for each why the broker has not got it, or None."""
        ...


class Marks(Protocol):
    """Where it is noted that an event was published."""

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event."""
        ...


@dataclass(slots=True, kw_only=True)
class BackgroundPublisher:
    """Publisher over a sink; its one thread starts with the first event, so after any fork."""

    sink: ManySink
    marks: Marks
    patience_seconds: float = PATIENCE_SECONDS
    _waiting: list[Envelope] = field(default_factory=list, repr=False)
    _sending: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def publish_soon(self, envelope: Envelope) -> None:
        """Send a stored event soon; see Publisher."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, self.patience_seconds):
                _tell_later(envelope, "the broker is slow")
                return
            self._waiting.append(envelope)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                self._thread.start()
            elif not self._sending:
                self._changed.notify_all()

    def drain(self, within: float = 2.0) -> bool:
        """Return whether all that was taken over so far has been sent, or tried, within these seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._waiting or self._sending), within)

    def _has_room(self) -> bool:
        return len(self._waiting) < MAX_WAITING

    def _run(self) -> None:
        is_busy = False
        while True:
            with self._changed:
                self._sending = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
            if is_busy:
                time.sleep(GATHER_SECONDS)
            with self._changed:
                batch, self._waiting = self._waiting, []
                self._sending = True
            self._send(batch)
            is_busy = len(batch) > 1

    def _send(self, batch: Sequence[Envelope]) -> None:
        try:
            problems = self.sink.resend_all(batch)
            for envelope, problem in zip(batch, problems, strict=True):
                if problem is None:
                    self.marks.mark_published(envelope.id)
                else:
                    _tell_later(envelope, str(problem))
        except Exception:  # noqa: BLE001 - the thread must outlive whatever a sink throws at it
            _log.exception("published later, when reconcile finds them: %d events", len(batch))


def _tell_later(envelope: Envelope, why: str) -> None:
    _log.warning("published later: %s", why, extra={"fields": {"event": envelope.id, "type": envelope.type}})


# Notes that events were published a moment later, many in one statement.
#
# The note is no promise to anybody: one that is lost makes reconcile send the event again, under its
# own id. So it need not cost every webhook a statement of its own.

COLLECT_SECONDS = 0.05  # far below the lease after which reconcile sends an event again
MAX_BATCH = 1000


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
