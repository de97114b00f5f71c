"""What a forge's webhook means, in our words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.common.domain.delivery import Provider
from functions.common.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A webhook that is not for us; `reason` is a sentence for people."""

    reason: str


class WebhookReader(Protocol):
    """Reads the payloads of one kind of forge; no I/O, so it is never Unavailable."""

    def read(self, payload: Mapping[str, Any], *, kind: str, provider: Provider, delivery_id: str) -> Event | Ignored:
        """Return the event that a payload stands for; `kind` is the forge's own name of what happened.

        PushReceived comes without its `push`. Raises Rejected naming the field that is missing or wrong.
        """
        ...
