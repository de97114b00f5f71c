"""Signatures of webhooks that several forges use.

Each function returns why a signature is not valid, or an empty text when it is. The text goes into the audit log: it
shows neither the secret nor the expected signature. Values are compared in constant time.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

# GitHub's header, which Forgejo and Gitea send too; X-Hub-Signature, with SHA-1, is not accepted.
HUB = "x-hub-signature-256"
_HUB_PREFIX = "sha256="

STANDARD_PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
_SECONDS = re.compile(r"^\d{1,12}\Z", re.ASCII)


def hmac_mismatch(headers: Mapping[str, str], names: Sequence[str], signed: bytes, *, secret: str) -> str:
    """Check HMAC-SHA256 in hexadecimal digits: the first signature with a value in the headers of these names."""
    present = [headers[name].removeprefix(_HUB_PREFIX if name == HUB else "") for name in names if name in headers]
    if not present:
        return "the signature is missing"
    given = next((value for value in present if value), "")
    if not given:
        return "the signature is empty: the webhook has no secret at the forge"
    expected = hmac.digest(secret.encode(), signed, "sha256").hex()
    return "" if is_equal(given, expected) else "the signature differs"


def standard_webhooks_mismatch(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> str:
    """Check a signature of standardwebhooks.com: over id, timestamp and body, so that an old one is not valid."""
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
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    # All are compared: the time must not depend on which one is valid.
    valid = [is_equal(one, expected) for one in given.split()]
    return "" if any(valid) else "the signature differs"


def is_equal(given: str, expected: str) -> bool:
    """Compare a header with a secret text in constant time; WSGI decodes headers as Latin-1."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())


def _key(secret: str) -> bytes:
    text = secret.removeprefix(STANDARD_PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()
