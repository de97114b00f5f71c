"""An event sink in memory."""

from dataclasses import dataclass, field
from typing import TypeVar

from functions.common.errors import Unavailable
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.envelope import Envelope, envelop
from functions.common.ports.events import EventLog

E = TypeVar("E", bound=Event)


@dataclass(slots=True, kw_only=True)
class FakeEventSink:
    """EventSink that keeps the sent events; set `down` to make the broker unavailable."""

    log: EventLog | None = None
    sent: list[Envelope] = field(default_factory=list)
    down: bool = False

    def publish(self, event: Event, *, discriminator: str = "") -> Envelope:
        """Keep a new event."""
        cause = CURRENT_CAUSE.get()
        envelope = envelop(event, cause=cause, time="2026-01-02T03:04:05+00:00", discriminator=discriminator)
        if self.log is not None:
            self.log.append(envelope, cause=cause.id)
        self.resend(envelope)
        return envelope

    def resend(self, envelope: Envelope) -> None:
        """Keep a recorded event."""
        if self.down:
            msg = "the broker does not answer"
            raise Unavailable(msg)
        self.sent.append(envelope)

    def of(self, event: type[E]) -> list[E]:
        """Return the sent events of a type."""
        return [event.model_validate(envelope.data) for envelope in self.sent if envelope.type == event.type]
