"""Publishes stored events from a thread of its own: what gathers while one lot is being sent makes the next.

So no webhook waits for the broker, and a busy moment costs few threads their turn.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from functions.common.errors import SlipwayError
from functions.common.events.envelope import Envelope

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
