"""Trust nothing that is not signed; keep it; then say what it means."""

import logging
from collections.abc import Callable, Mapping

from functions.common.domain.delivery import Provider
from functions.common.errors import Unavailable
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.clock import Clock
from functions.common.ports.deliveries import DeliveryInbox
from functions.common.ports.publisher import Publisher
from functions.common.ports.webhook_reader import WebhookReader
from functions.verify_webhook.answers import answer_for, mismatch_answer
from functions.verify_webhook.identity import check_path, delivery_id_of
from functions.verify_webhook.intake import take_in
from functions.verify_webhook.signatures import mismatch
from functions.verify_webhook.webhook import Answer, Webhook

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
