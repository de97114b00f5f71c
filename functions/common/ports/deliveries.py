"""Webhook deliveries: what a payload means, and where deliveries are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A webhook that changes nothing; `reason` is a sentence for people."""

    reason: str


class WebhookReader(Protocol):
    """Reads the payloads of one kind of forge. It does no I/O and never raises Unavailable."""

    def read(self, payload: Mapping[str, Any], *, kind: str, provider: Provider, delivery_id: str) -> Event | Ignored:
        """Return the event of a payload; `kind` is the forge's name of the webhook's event.

        PushReceived has no `push` yet. Raises Rejected naming the field that is missing or invalid.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """The first stored delivery of a provider and delivery id; `repeated` when this call stored nothing."""

    delivery_id: str
    event_id: str
    outcome: DeliveryOutcome
    reason: str
    repeated: bool


class DeliveryInbox(Protocol):
    """Stores deliveries for verify-webhook; their events are an EventOutbox."""

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store the delivery and its event in one transaction, or return what an earlier call stored.

        The caller of the first call holds the lease to publish the event.
        """
        ...
