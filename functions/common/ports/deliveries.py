"""Webhook deliveries: how each forge sends them, and where they are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Webhook
from functions.common.events.base import Event
from functions.common.events.push import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A webhook that changes nothing; `reason` is a sentence for people."""

    reason: str


class ForgeWebhooks(Protocol):
    """The webhooks of one forge: their headers, their signature and their payload. No method does I/O."""

    @property
    def event_header(self) -> str:
        """The header that names what happened, in lower case; a request with it is a webhook of this forge."""
        ...

    @property
    def delivery_headers(self) -> Sequence[str]:
        """The headers that may have the id of the delivery; the first one with a value counts."""
        ...

    def verify(self, webhook: Webhook, *, secret: str, now: datetime) -> str:
        """Return why the webhook is not signed with the secret, or an empty text when it is.

        The secret is not empty. The text goes into the audit log: it must show neither the secret nor the expected
        signature. Nothing of the body is believed yet; what is compared with a secret takes constant time.
        """
        ...

    def repository(self, payload: Mapping[str, Any]) -> Repository | None:
        """Return the repository that a payload names, None for a payload of none.

        It is read before the signature is verified, to know the secret. Raises Rejected naming the wrong field.
        """
        ...

    def read(self, payload: Mapping[str, Any], *, kind: str, delivery_id: str) -> Event | Ignored:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret:
    """A secret that may sign a webhook, and the app that has it; that of a forge or a git server is no app's."""

    secret: str = field(repr=False)
    app: str = ""


class WebhookSecrets(Protocol):
    """Knows the webhook secrets of apps; callers must not log, publish or return them."""

    def of_repository(self, *keys: str, identity: str = "") -> tuple[WebhookSecret, ...]:
        """Return the secrets of a repository's apps (domain.git_url.repository_key); most have one or none.

        Of a repository that no app has by its keys: those of the apps that had it under another name, by its identity
        (domain.git_url.identity_of).
        """
        ...


class DeliveryInbox(Protocol):
    """Stores deliveries for verify-webhook; their events are an EventOutbox."""

    def store(self, delivery: Delivery) -> StoredDelivery:
        """Store the delivery and its event in one transaction, or return what an earlier call stored.

        The caller of the first call holds the lease to publish the event.
        """
        ...
