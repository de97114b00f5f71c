"""Translates refusals of the Kubernetes API."""

import json
from http import HTTPStatus

from functions.common.errors import Rejected, Unavailable

MISSING = frozenset({HTTPStatus.NOT_FOUND.value})
_TEXT_LIMIT = 500
# The same call may succeed later: the token is being renewed, another client wrote, the server is busy.
_TRANSIENT = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
)


def check(status: int, text: str, call: str) -> None:
    """Raise Unavailable or Rejected, with the call and the server's message, unless the status is a success."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = _message(text)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR or _is_temporary(text):
        msg = f"the Kubernetes API answers {status} to {call}: {said}"
        raise Unavailable(msg)
    if status == HTTPStatus.NOT_FOUND:
        msg = f"{call}: {said}: install the controller of this kind, and check that the namespace exists"
        raise Rejected(msg)
    if status == HTTPStatus.FORBIDDEN:
        msg = f"{call}: {said}: check the function's Role and the namespace's quota"
        raise Rejected(msg)
    msg = f"the Kubernetes API refuses {call} with {status}: {said}"
    raise Rejected(msg)


def _is_temporary(text: str) -> bool:
    """Return whether the cause is temporary: a terminating namespace, a webhook that is not up yet."""
    return "NamespaceTerminating" in text or "failed calling webhook" in text


def _message(text: str) -> str:
    try:
        found = json.loads(text)
        said = str(found.get("message") or found.get("reason") or "") if isinstance(found, dict) else text
    except ValueError:
        said = text
    return said[:_TEXT_LIMIT]
