"""Publishes stored events in the background, and marks them as published in batches."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.envelope import Envelope

MAX_WAITING = 64  # more than this, and callers wait: webhooks must not come in faster than their events go out
WAIT_FOR_ROOM_SECONDS = 1.0
GATHER_SECONDS = 0.006  # under load a batch waits this long for more events: each batch takes the GIL from the webhooks
COLLECT_SECONDS = 0.05  # far below the lease after which reconcile publishes an event again
MAX_MARKS = 1000

_log = logging.getLogger("slipway")


class BatchSink(Protocol):
    """A sink that sends many events at once."""

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        """Send events as they are; return for each why the broker does not have it, or None."""
        ...


class Marker(Protocol):
    """Records which events were published."""

    def mark_published(self, event_id: str) -> None:
        """Record that the broker has the event."""
        ...


class MarkStore(Protocol):
    """A store that marks many events at once."""

    def mark_all(self, event_ids: Sequence[str]) -> None:
        """Record that the broker has these events. Raises Unavailable."""
        ...


@dataclass(slots=True, kw_only=True)
class BackgroundPublisher:
    """Publisher that sends from one thread, so that no webhook waits for the broker.

    The events that arrive while one batch is being sent make the next batch. The thread starts with the first event,
    which is after gunicorn has forked.
    """

    sink: BatchSink
    marker: Marker
    wait_for_room_seconds: float = WAIT_FOR_ROOM_SECONDS
    _waiting: list[Envelope] = field(default_factory=list, repr=False)
    _sending: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def publish_soon(self, envelope: Envelope) -> None:
        """Send a stored event soon; see Publisher."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, self.wait_for_room_seconds):
                _log_later(envelope, "the broker is slow")
                return
            self._waiting.append(envelope)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                self._thread.start()
            elif not self._sending:
                self._changed.notify_all()

    def drain(self, within: float = 2.0) -> bool:
        """Return whether everything accepted so far was sent, or tried, within these seconds."""
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
            errors = self.sink.resend_all(batch)
            for envelope, error in zip(batch, errors, strict=True):
                if error is None:
                    self.marker.mark_published(envelope.id)
                else:
                    _log_later(envelope, str(error))
        except Exception:  # noqa: BLE001 - the thread must survive any error of a sink
            _log.exception("published later by reconcile: %d events", len(batch))


def _log_later(envelope: Envelope, why: str) -> None:
    _log.warning(
        "published later by reconcile: %s", why, extra={"fields": {"event": envelope.id, "type": envelope.type}}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishMarker:
    """Marker that writes the marks of 50 ms in one statement, from a thread that starts with the first mark.

    A lost mark does no harm: reconcile publishes the event again under the same id. So a webhook need not pay for a
    statement of its own.
    """

    store: MarkStore
    _marks: SimpleQueue[str] = field(default_factory=SimpleQueue, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _started: list[threading.Thread] = field(default_factory=list, repr=False)

    def mark_published(self, event_id: str) -> None:
        """Record soon that the broker has the event; never raises."""
        self._marks.put(event_id)
        if not self._started:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                thread = threading.Thread(target=self._run, name="publish-marker", daemon=True)
                self._started.append(thread)
                thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._marks.get()]
            time.sleep(COLLECT_SECONDS)
            try:
                while len(batch) < MAX_MARKS:
                    batch.append(self._marks.get_nowait())
            except Empty:
                pass
            self._write(batch)

    def _write(self, batch: list[str]) -> None:
        try:
            self.store.mark_all(batch)
        except Unavailable as error:
            _log.warning("published events are not marked, reconcile publishes them again: %s", error)
        except Exception:  # noqa: BLE001 - the thread must survive any error of a store
            _log.exception("published events are not marked, reconcile publishes them again")
