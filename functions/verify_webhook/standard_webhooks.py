"""Signatures as standardwebhooks.com has them: over id, timestamp and body, so that an old one is no good."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from functions.verify_webhook.digest import hmac_sha256

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"
_SECONDS = re.compile(r"^\d{1,12}\Z", re.ASCII)


def mismatch(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> str:
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
    expected = b"v1," + base64.b64encode(hmac_sha256(key, signed))
    # All are compared, so that the time tells nothing of which one was right.
    good = [hmac.compare_digest(one.encode("latin-1", "replace"), expected) for one in given.split()]
    return "" if any(good) else "the signature differs"


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()
