"""Webhook deliveries: what a webhook means, an inbox for the forge, an outbox for the broker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.events.base import Event
from functions.common.events.envelope import Envelope

# The deliveries of webhooks: an inbox for the forge, an outbox for the broker.


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """What was stored first under a (provider, delivery id); `repeated` when this call stored nothing."""

    delivery_id: str
    event_id: str
    outcome: DeliveryOutcome
    reason: str
    repeated: bool


class DeliveryInbox(Protocol):
    """Where verify-webhook keeps what came in."""

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store the delivery and its event in one transaction, or return what an earlier call stored.

        The caller of the first call holds the lease to publish the event.
        """
        ...

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event."""
        ...


class DeliveryOutbox(Protocol):
    """What is stored but not known to be published."""

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        """Return unpublished events, oldest first, leasing them for `older_than` to this caller."""
        ...

    def mark_published(self, event_id: str) -> None:
        """Note that the broker has the event."""
        ...


# What a forge's webhook means, in our words.


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
