"""Whether a webhook was signed with our secret; before anything in its body is read."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from functions.common.domain.delivery import Provider
from functions.verify_webhook.webhook import Webhook, signed_bytes

# Signatures as standardwebhooks.com has them: over id, timestamp and body, so that an old one is no good.

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
_SECONDS = re.compile(r"^\d{1,12}\Z", re.ASCII)


def standard_webhooks_mismatch(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> str:
    """Return why the signature is not good, or nothing when it is. Never shows what it should be."""
    key = _key(secret)
    identity, seconds, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not key:
        return "the secret is empty after its prefix"
    if not identity or not given:
        return "webhook-id or webhook-signature is missing or empty"
    if not _SECONDS.match(seconds):
        return "webhook-timestamp is missing or not a number of seconds"
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        return "webhook-timestamp is more than five minutes from now"
    signed = f"{identity}.{seconds}.".encode("latin-1", "replace") + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    # All are compared, so that the time tells nothing of which one was right.
    good = [hmac.compare_digest(one.encode("latin-1", "replace"), expected) for one in given.split()]
    return "" if any(good) else "the signature differs"


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


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
    expected = hmac.digest(secret.encode(), signed_bytes(webhook), "sha256").hex()
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
    if secret.startswith(PREFIX) or (signed and not token):
        return standard_webhooks_mismatch(webhook.headers, webhook.body, secret=secret, now=now)
    if token is None:
        return "neither X-Gitlab-Token nor webhook-signature is there"
    if not token:
        return "X-Gitlab-Token is empty: the webhook has no secret token at the forge"
    same = hmac.compare_digest(token.encode("latin-1", "replace"), secret.encode())
    return "" if same else "X-Gitlab-Token differs"
