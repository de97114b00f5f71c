"""Answers webhooks, and refuses those that are not signed as they must be: audited in sum, and limited by address."""

import logging
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from functions.common.domain.clients import client_address, network_of
from functions.common.domain.delivery import Provider, Webhook
from functions.common.errors import Unavailable
from functions.common.ports.audit import AuditLog
from functions.common.ports.limits import RateLimit

_log = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON object."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Anybody can send such webhooks. A signed one never comes here: its address may be that of a flood as well."""

    limit: RateLimit
    audit: AuditLog
    proxies: int

    def __call__(self, webhook: Webhook, delivery_id: str, why: str) -> Answer:
        """Answer a webhook that is not trusted, and say in log and audit log why."""
        remote = client_address(webhook.headers.get("x-forwarded-for", ""), webhook.remote, proxies=self.proxies)
        sender = network_of(remote)
        actor = f"webhook from {sender}"
        try:
            if wait := self.limit.take(sender):
                self.audit.limit(actor=actor, action="webhook.limit", detail="too many with a wrong signature")
                return _too_many(ceil(wait))
            self.audit.refuse(
                actor=actor, action="webhook.refused", target=webhook.provider, detail=why, latest=delivery_id
            )
        except Unavailable as error:  # the webhook is refused all the same, and the log has it
            _log.warning("not audited: %s", error)
        fields = {"target": f"{webhook.provider}/{delivery_id}", "remote": remote}
        _log.warning("webhook signature mismatch: %s", why, extra={"fields": fields})
        return _mismatch(webhook.provider)


def _mismatch(provider: Provider) -> Answer:
    """Return the same answer for every mismatch: the audit log has the reason."""
    text = (
        f"webhook signature mismatch: set the secret of the webhook at {provider} to that of the app, which `paas apps "
        "webhook NAME --rotate` shows once; for apps without one to the value of PAAS_WEBHOOK_SECRET of Slipway, or of "
        "the forge's own setting where that is set"
    )
    return Answer(status=401, body={"error": text})


def _too_many(seconds: int) -> Answer:
    text = f"too many webhooks with a wrong signature came from this address: wait {seconds} s before the next one"
    return Answer(status=429, body={"error": text}, headers={"Retry-After": str(seconds)})
