"""What a forge is told, and people who read its list of deliveries."""

from functions.common.domain.delivery import DeliveryOutcome, Provider
from functions.common.ports.deliveries import StoredDelivery
from functions.verify_webhook.webhook import Answer


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
