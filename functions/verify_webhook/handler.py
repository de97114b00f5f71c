"""Verifies a webhook, stores it with its event, and publishes the event soon after."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Webhook
from functions.common.errors import Rejected
from functions.common.events.base import Cause, Event, event_id
from functions.common.events.envelope import Envelope, envelop
from functions.common.events.push import PullRequest, PushReceived, TagCreated
from functions.common.ports.clock import Clock
from functions.common.ports.deliveries import DeliveryInbox, Ignored, StoredDelivery
from functions.common.ports.events import Publisher
from functions.verify_webhook.refusals import Answer, Refusals
from functions.verify_webhook.trust import ForgeHosts, Trust
from functions.verify_webhook.webhook import (
    Claim,
    Forges,
    check_content_type,
    check_path,
    claim_of,
    delivery_id_of,
    kept_headers,
    kind_of,
    signature_of,
    value_count,
)

_SHORT_SHA = 12
LARGE = 1024 * 1024  # bytes
MANY = 20_000  # values; of bodies with more, or larger ones, one is parsed at a time, as anybody can send them
FUNCTION = "verify-webhook"
SOURCE = "/slipway/webhooks/"


def handle(
    webhook: Webhook,
    *,
    forges: Forges,
    trust: Trust,
    parsing: AbstractContextManager[object],
    inbox: DeliveryInbox,
    refusals: Refusals,
    publisher: Publisher,
    clock: Clock,
) -> Answer:
    """Answer a webhook; a delivery that is answered with 2xx is stored.

    Raises Rejected for a webhook at another forge's path, and for one whose headers contradict its body: nothing of
    it is stored, so that the forge's own delivery is accepted. Raises Unavailable when it cannot be stored.
    """
    check_path(webhook, forges)
    delivery_id = delivery_id_of(webhook, forges)
    with parsing if _is_heavy(webhook.body) else nullcontext():
        claim = claim_of(webhook, forges)
    secrets = trust.secrets_for(webhook.provider, claim.repository)
    why, signed_with = signature_of(webhook, forges, secrets=secrets, now=clock.now())
    if signed_with is None:
        return refusals(webhook, delivery_id, why)
    check_content_type(webhook)
    signed = Signed(by=signed_with.app, delivery_id=delivery_id, now=clock.now())
    delivery, envelope = read(webhook, claim, forges, hosts=trust.hosts, signed=signed)
    stored = inbox.store(delivery)
    if envelope is not None and not stored.repeated:
        publisher.publish_soon(envelope)
    return _answer(stored, sha=delivery.sha)


def _is_heavy(body: bytes) -> bool:
    return len(body) > LARGE or value_count(body) + body.count(b"%") > MANY


def _answer(stored: StoredDelivery, *, sha: str) -> Answer:
    """Return 202 for a new delivery with an event, 400 for one that was refused, 200 for any other."""
    if stored.outcome is DeliveryOutcome.REFUSED:
        return Answer(status=400, body={"error": stored.reason, "delivery": stored.delivery_id})
    if stored.outcome is DeliveryOutcome.IGNORED:
        body = {"status": "ignored", "reason": stored.reason, "delivery": stored.delivery_id}
        return Answer(status=200, body=body)
    body = {"status": "accepted", "delivery": stored.delivery_id, "event": stored.event_id}
    body |= {"follow": f"paas explain {sha[:_SHORT_SHA]}"} if sha else {}
    return Answer(status=200 if stored.repeated else 202, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A delivery whose signature is right, and the app whose own secret it is signed with, if it is one of an app."""

    by: str
    delivery_id: str
    now: datetime


def read(
    webhook: Webhook, claim: Claim, forges: Forges, *, hosts: ForgeHosts, signed: Signed
) -> tuple[Delivery, Envelope | None]:
    """Return the delivery to store and its event; a payload that cannot be read makes a refused delivery."""
    kind, delivery_id = "", signed.delivery_id
    try:
        kind = kind_of(webhook, forges)
        if claim.payload is None:
            raise Rejected(claim.problem)
        found = forges[webhook.provider].read(claim.payload, kind=kind, delivery_id=delivery_id)
        if claim.repository and not isinstance(found, Ignored):
            hosts.check(webhook.provider, claim.repository)
    except Rejected as error:
        return _delivery(webhook, kind, delivery_id, DeliveryOutcome.REFUSED, reason=str(error)), None
    if isinstance(found, Ignored):
        return _delivery(webhook, kind, delivery_id, DeliveryOutcome.IGNORED, reason=found.reason), None
    envelope = _envelope(webhook, signed, found)
    delivery = _delivery(
        webhook,
        kind,
        delivery_id,
        DeliveryOutcome.ACCEPTED,
        sha=_sha(found),
        event_id=envelope.id,
        event=envelope.to_json(),
    )
    return delivery, envelope


def _envelope(webhook: Webhook, signed: Signed, event: Event) -> Envelope:
    cause = Cause(function=FUNCTION, source=SOURCE + webhook.provider, id=signed.delivery_id)
    identity = event_id(cause, event)
    if isinstance(event, PushReceived):
        event = event.model_copy(update={"push": identity, "signer": signed.by})
    # The trace id is derived from the event's id, so that reconcile, which may publish it later, continues the trace.
    trace = identity.replace("-", "")
    cause = Cause(function=cause.function, source=cause.source, id=cause.id, traceparent=f"00-{trace}-{trace[:16]}-01")
    return envelop(event, cause=cause, time=signed.now.isoformat(), identity=identity)


def _delivery(
    webhook: Webhook,
    kind: str,
    delivery_id: str,
    outcome: DeliveryOutcome,
    *,
    reason: str = "",
    sha: str = "",
    event_id: str = "",
    event: str | None = None,
) -> Delivery:
    return Delivery(
        provider=webhook.provider,
        delivery_id=delivery_id,
        kind=kind,
        headers=kept_headers(webhook.headers),
        body=webhook.body,
        outcome=outcome,
        reason=reason,
        sha=sha,
        event_id=event_id,
        event=event,
    )


def _sha(event: Event) -> str:
    if isinstance(event, PushReceived):
        return event.after
    return event.sha if isinstance(event, TagCreated | PullRequest) else ""
