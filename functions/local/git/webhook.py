"""Sends a webhook as Forgejo does, signed. Standard library alone: a pusher waits for the hook that uses it."""

import hashlib
import hmac
import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 6
# Somebody waits at a terminal, and what is not sent now is found later: no new try after this.
_PATIENCE_SECONDS = 4.0
_WAITS = (0.2, 0.5, 1.0, 2.0)
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Answer:
    """`status` 0: nobody answered."""

    status: int
    fields: dict[str, Any]


def send(url: str, secret: str, event: str, payload: dict[str, Any], delivery: str, *, patient: bool) -> Answer:
    """Send one delivery; when `patient` again, with the same id, while nobody answers or the server errs."""
    body = json.dumps(payload, indent=2).encode()
    headers = _headers(event, delivery, secret.encode(), body)
    begun = time.monotonic()
    answer = _post(url, headers, body)
    for wait in _WAITS if patient else ():
        if 0 < answer.status < _SERVER_ERROR or time.monotonic() - begun > _PATIENCE_SECONDS:
            break
        time.sleep(wait)
        answer = _post(url, headers, body)
    return answer


def _headers(event: str, delivery: str, secret: bytes, body: bytes) -> dict[str, str]:
    sha256 = hmac.new(secret, body, hashlib.sha256).hexdigest()
    sha1 = hmac.new(secret, body, hashlib.sha1).hexdigest()
    headers = {"Content-Type": "application/json", "User-Agent": "Slipway-Git"}
    headers |= {"X-Hub-Signature": f"sha1={sha1}", "X-Hub-Signature-256": f"sha256={sha256}"}
    for forge in ("Forgejo", "Gitea", "Gogs", "GitHub"):
        headers |= {f"X-{forge}-Delivery": delivery, f"X-{forge}-Event": event, f"X-{forge}-Event-Type": event}
        if forge != "GitHub":
            headers[f"X-{forge}-Signature"] = sha256
    return headers


def _post(url: str, headers: dict[str, str], body: bytes) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts.path, body, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException):
        return Answer(0, {})
    finally:
        connection.close()
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {}
    return Answer(response.status, fields if isinstance(fields, dict) else {})
