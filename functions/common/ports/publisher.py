"""Events that are stored and only have to be sent: their callers need not wait for it."""

from typing import Protocol

from functions.common.events.envelope import Envelope


class Publisher(Protocol):
    """Sends stored events a moment later."""

    def publish_soon(self, envelope: Envelope) -> None:
        """Take over an event that is stored; never raises. What cannot be sent now, reconcile sends later."""
        ...
