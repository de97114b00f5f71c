"""Whether a webhook was signed with our secret; before anything in its body is read."""

import hmac
from datetime import datetime

from functions.common.domain.delivery import Provider
from functions.verify_webhook import standard_webhooks
from functions.verify_webhook.digest import hmac_sha256
from functions.verify_webhook.payload import signed_bytes
from functions.verify_webhook.webhook import Webhook

_HUB = "x-hub-signature-256"  # its SHA-1 sibling is not accepted
_GITEA = ("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature", _HUB)
_HEADERS = {Provider.FORGEJO: _GITEA, Provider.GITEA: _GITEA, Provider.GITHUB: (_HUB,)}
_HUB_PREFIX = "sha256="


def mismatch(webhook: Webhook, *, secret: str, now: datetime) -> str:
    """Return why the webhook is not to be trusted, or nothing when it is signed with the secret.

    The text is for the audit log: it shows neither the secret nor the signature that was expected.
    """
    if not secret.strip():
        return f"no secret is configured for {webhook.provider}"
    if webhook.provider is Provider.GITLAB:
        return _gitlab(webhook, secret=secret, now=now)
    given = _given(webhook)
    if given is None:
        return "the signature is missing"
    if not given:
        return "the signature is empty: the webhook has no secret at the forge"
    expected = hmac_sha256(secret.encode(), signed_bytes(webhook)).hex()
    same = hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
    return "" if same else "the signature differs"


def _given(webhook: Webhook) -> str | None:
    """Return the first signature with something in it, without prefix; empty when all are; None when none is there."""
    present = [name for name in _HEADERS[webhook.provider] if name in webhook.headers]
    values = [webhook.headers[name].removeprefix(_HUB_PREFIX if name == _HUB else "") for name in present]
    return next((value for value in values if value), "") if present else None


def _gitlab(webhook: Webhook, *, secret: str, now: datetime) -> str:
    token = webhook.headers.get("x-gitlab-token")
    signed = "webhook-signature" in webhook.headers
    if secret.startswith(standard_webhooks.PREFIX) or (signed and not token):
        return standard_webhooks.mismatch(webhook.headers, webhook.body, secret=secret, now=now)
    if token is None:
        return "neither X-Gitlab-Token nor webhook-signature is there"
    if not token:
        return "X-Gitlab-Token is empty: the webhook has no secret token at the forge"
    same = hmac.compare_digest(token.encode("latin-1", "replace"), secret.encode())
    return "" if same else "X-Gitlab-Token differs"
