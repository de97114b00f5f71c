"""Verifies a webhook, stores it with its event, and publishes that soon after."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.errors import Rejected, Unavailable
from functions.common.events.base import Cause, Event, event_id
from functions.common.events.envelope import Envelope, envelop
from functions.common.events.push import PullRequest, PushReceived, TagCreated
from functions.common.ports.apps import AuditLog
from functions.common.ports.clock import Clock
from functions.common.ports.deliveries import DeliveryInbox, Ignored, StoredDelivery, WebhookReader
from functions.common.ports.events import Publisher
from functions.verify_webhook.signatures import mismatch
from functions.verify_webhook.webhook import (
    Answer,
    Webhook,
    check_path,
    delivery_id_of,
    kept_headers,
    kind_of,
    read_payload,
)

# What a forge is told, and people who read its list of deliveries.


def answer_for(stored: StoredDelivery) -> Answer:
    """Return the answer to a delivery that is stored: 202 when it is new and has an event, else 200, or 400."""
    if stored.outcome is DeliveryOutcome.REFUSED:
        return Answer(status=400, body={"error": stored.reason, "delivery": stored.delivery_id})
    if stored.outcome is DeliveryOutcome.IGNORED:
        body = {"status": "ignored", "reason": stored.reason, "delivery": stored.delivery_id}
        return Answer(status=200, body=body)
    body = {"status": "accepted", "delivery": stored.delivery_id, "event": stored.event_id}
    return Answer(status=200 if stored.repeated else 202, body=body)


def mismatch_answer(provider: Provider) -> Answer:
    """Return one answer for every kind of mismatch: which it was stands in the audit log."""
    setting = f"{provider.upper()}_WEBHOOK_SECRET"
    text = (
        f"webhook signature mismatch: set the secret of the webhook at {provider} to the value of PAAS_WEBHOOK_SECRET "
        f"(or {setting}) of Slipway; neither may be empty"
    )
    return Answer(status=401, body={"error": text})


# From a trusted webhook to what is kept of it: the delivery and, when it is for us, its event.

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


# Trust nothing that is not signed; keep it; then say what it means.

_log = logging.getLogger("slipway")


def handle(
    webhook: Webhook,
    *,
    secret_of: Callable[[Provider], str],
    readers: Mapping[Provider, WebhookReader],
    inbox: DeliveryInbox,
    audit: AuditLog,
    publisher: Publisher,
    clock: Clock,
) -> Answer:
    """Answer a webhook; what is answered with a 2xx is stored.

    Raises Rejected for a webhook at another forge's path, Unavailable when it cannot be stored.
    """
    check_path(webhook)
    why = mismatch(webhook, secret=secret_of(webhook.provider), now=clock.now())
    if why:
        _record_refusal(webhook, why, audit)
        return mismatch_answer(webhook.provider)
    intake = take_in(webhook, reader=readers[webhook.provider], now=clock.now())
    stored = inbox.store(intake.delivery)
    if intake.envelope is not None and not stored.repeated:
        publisher.publish_soon(intake.envelope)
    return answer_for(stored)


def _record_refusal(webhook: Webhook, why: str, audit: AuditLog) -> None:
    target = f"{webhook.provider}/{delivery_id_of(webhook)}"
    _log.warning("webhook signature mismatch: %s", why, extra={"fields": {"target": target, "remote": webhook.remote}})
    try:
        audit.record(actor=f"webhook from {webhook.remote}", action="webhook.refused", target=target, detail=why)
    except Unavailable as error:  # it stays refused; the log line above tells of it
        _log.warning("not audited: %s", error, extra={"fields": {"target": target}})
