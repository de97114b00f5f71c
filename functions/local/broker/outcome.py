"""What an answer means to a broker: the rules of Knative's."""

import base64
from dataclasses import dataclass
from enum import Enum, auto

from functions.common.errors import Rejected
from functions.local.broker.client import Answer
from functions.local.broker.event import WireEvent
from functions.local.broker.read import is_event, read_event

_RETRIED = frozenset({404, 408, 409, 429})
_FIRST_SUCCESS, _FIRST_OTHER, _FIRST_SERVER_ERROR = 200, 300, 500
_NO_ANSWER = 0
_BAD_REPLY = 502
_ERROR_CHARACTERS = 1024


class Next(Enum):
    """What is to be done with the event."""

    DONE = auto()
    RETRY = auto()
    PARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`code` is 0 when there was no answer; `error` is the body of a failure."""

    next: Next
    code: int = _NO_ANSWER
    error: bytes = b""
    reply: WireEvent | None = None

    def extensions(self, destination: str) -> dict[str, str]:
        """Return what a dead letter says about its end."""
        text = base64.b64encode(self.error).decode()[:_ERROR_CHARACTERS]
        known = {"knativeerrordest": destination, "knativeerrorcode": str(self.code or ""), "knativeerrordata": text}
        return {name: value for name, value in known.items() if value}


def judge(answer: Answer) -> Outcome:
    """Return what follows from an answer.

    A success whose body is no CloudEvent counts as 502: the broker cannot tell what is meant.
    """
    if _FIRST_SUCCESS <= answer.status < _FIRST_OTHER:
        return _success(answer)
    retried = answer.status >= _FIRST_SERVER_ERROR or answer.status in _RETRIED
    return Outcome(next=Next.RETRY if retried else Next.PARK, code=answer.status, error=answer.body)


def unanswered(reason: str) -> Outcome:
    """Return what follows when nothing was answered."""
    return Outcome(next=Next.RETRY, error=reason.encode())


def _success(answer: Answer) -> Outcome:
    if is_event(answer.headers):
        try:
            reply = read_event(answer.headers, answer.body)
        except Rejected as error:
            return Outcome(next=Next.RETRY, code=_BAD_REPLY, error=f"the reply is no CloudEvent: {error}".encode())
        return Outcome(next=Next.DONE, code=answer.status, reply=reply)
    if answer.body:
        return Outcome(next=Next.RETRY, code=_BAD_REPLY, error=b"a success with a body that is no CloudEvent")
    return Outcome(next=Next.DONE, code=answer.status)
