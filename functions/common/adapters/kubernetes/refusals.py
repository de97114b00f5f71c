"""What the Kubernetes API's refusals mean for the caller."""

import json
from http import HTTPStatus

from functions.common.errors import Rejected, Unavailable

MISSING = frozenset({HTTPStatus.NOT_FOUND.value})
_TEXT_LIMIT = 500
# The same call may succeed later: the token turns over, somebody wrote at the same time, the server is busy.
_TRANSIENT = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
)


def check(status: int, text: str, call: str) -> None:
    """Return for a success. Raises Unavailable or Rejected naming the call and what the server says."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = _message(text)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR or _is_passing(text):
        msg = f"the Kubernetes API answers {status} to {call}: {said}"
        raise Unavailable(msg)
    if status == HTTPStatus.NOT_FOUND:
        msg = f"{call}: {said}: is what serves this kind installed, and the namespace there?"
        raise Rejected(msg)
    if status == HTTPStatus.FORBIDDEN:
        msg = f"{call}: {said}: check the function's Role and the namespace's quota"
        raise Rejected(msg)
    msg = f"the Kubernetes API refuses {call} with {status}: {said}"
    raise Rejected(msg)


def _is_passing(text: str) -> bool:
    """Return whether the refusal ends by itself: a namespace on its way out, a webhook that is not up yet."""
    return "NamespaceTerminating" in text or "failed calling webhook" in text


def _message(text: str) -> str:
    try:
        found = json.loads(text)
        said = str(found.get("message") or found.get("reason") or "") if isinstance(found, dict) else text
    except ValueError:
        said = text
    return said[:_TEXT_LIMIT]
