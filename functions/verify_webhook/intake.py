"""From a trusted webhook to what is kept of it: the delivery and, when it is for us, its event."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.domain.delivery import Delivery, DeliveryOutcome
from functions.common.errors import Rejected
from functions.common.events.base import Cause, Event, event_id
from functions.common.events.envelope import Envelope, envelop
from functions.common.events.push import PullRequest, PushReceived, TagCreated
from functions.common.ports.webhook_reader import Ignored, WebhookReader
from functions.verify_webhook.identity import delivery_id_of, kept_headers, kind_of
from functions.verify_webhook.payload import read_payload
from functions.verify_webhook.webhook import Webhook

FUNCTION = "verify-webhook"
SOURCE = "/slipway/webhooks/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A delivery to store, and its event to publish."""

    delivery: Delivery
    envelope: Envelope | None = None


def take_in(webhook: Webhook, *, reader: WebhookReader, now: datetime) -> Intake:
    """Return what the webhook means; one that cannot be read is refused, with the reason."""
    kind, delivery_id = "", delivery_id_of(webhook)
    try:
        kind = kind_of(webhook)
        payload = read_payload(webhook)
        reading = reader.read(payload, kind=kind, provider=webhook.provider, delivery_id=delivery_id)
    except Rejected as error:
        return Intake(delivery=_without_event(webhook, kind, delivery_id, DeliveryOutcome.REFUSED, str(error)))
    if isinstance(reading, Ignored):
        return Intake(delivery=_without_event(webhook, kind, delivery_id, DeliveryOutcome.IGNORED, reading.reason))
    return _accepted(webhook, kind, delivery_id, reading, now)


def _accepted(webhook: Webhook, kind: str, delivery_id: str, event: Event, now: datetime) -> Intake:
    cause = Cause(function=FUNCTION, source=SOURCE + webhook.provider, id=delivery_id)
    identity = event_id(cause, event)
    if isinstance(event, PushReceived):
        event = event.model_copy(update={"push": identity})
    # The trace follows from the id too, so that whoever publishes the event continues one trace.
    trace = identity.replace("-", "")
    cause = Cause(function=cause.function, source=cause.source, id=cause.id, traceparent=f"00-{trace}-{trace[:16]}-01")
    envelope = envelop(event, cause=cause, time=now.isoformat(), identity=identity)
    delivery = Delivery(
        provider=webhook.provider,
        delivery_id=delivery_id,
        kind=kind,
        headers=kept_headers(webhook.headers),
        body=webhook.body,
        outcome=DeliveryOutcome.ACCEPTED,
        sha=_sha(event),
        event_id=envelope.id,
        event=envelope.to_json(),
    )
    return Intake(delivery=delivery, envelope=envelope)


def _without_event(webhook: Webhook, kind: str, delivery_id: str, outcome: DeliveryOutcome, reason: str) -> Delivery:
    return Delivery(
        provider=webhook.provider,
        delivery_id=delivery_id,
        kind=kind,
        headers=kept_headers(webhook.headers),
        body=webhook.body,
        outcome=outcome,
        reason=reason,
    )


def _sha(event: Event) -> str:
    if isinstance(event, PushReceived):
        return event.after
    return event.sha if isinstance(event, TagCreated | PullRequest) else ""
