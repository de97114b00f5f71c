"""Publishes events that were stored but did not reach the broker."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.events.envelope import Envelope
from functions.common.ports.events import EventOutbox, EventSink
from functions.reconcile.handler import for_each

LEASE = timedelta(seconds=2)
EVENTS = 200  # a tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Step: the outbox of webhooks, or that of the API."""

    outbox: EventOutbox
    sink: EventSink

    def __call__(self) -> None:
        """Send each unpublished event under its own id."""
        for_each(self.outbox.claim(older_than=LEASE, limit=EVENTS), self._send, what="outbox")

    def _send(self, envelope: Envelope) -> None:
        self.sink.resend(envelope)
        self.outbox.mark_published(envelope.id)
