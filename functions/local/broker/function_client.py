"""HTTP to the functions, and what their answers mean to a broker."""

import base64
from dataclasses import dataclass
from enum import Enum, auto

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from functions.common.errors import Rejected
from functions.common.events.envelope import CONTENT_TYPE
from functions.common.runtime.cloudevent import MAX_EVENT_BYTES, MAX_VALUE_BYTES, CloudEvent, is_event, read_event

_HEADERS = {"Content-Type": CONTENT_TYPE, "Prefer": "reply"}
_MAX_ANSWER_BYTES = 2 * MAX_EVENT_BYTES
_KEPT_SECONDS = 1.0  # gunicorn closes kept connections after two: an event must not meet that
_SUCCESS = range(200, 300)
_SERVER_ERROR = 500
_RETRIED = frozenset({404, 408, 409, 429})
_BAD_REPLY = 502
_ERROR_BYTES = MAX_VALUE_BYTES // 4 * 3  # in base64 as long as an attribute may be


class NoAnswerError(Exception):
    """The function did not answer, or not in time, or not in HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response to an event."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is of the 200s."""
        return self.status in _SUCCESS


class FunctionClient:
    """POSTs events in the structured form to programs of this machine."""

    def __init__(self, token: str = "") -> None:
        """Open no connection yet; call it where the event loop runs. The token goes with each event."""
        self._headers = {**_HEADERS, **({"Authorization": f"Bearer {token}"} if token else {})}
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )

    async def post(self, port: int, path: str, event: bytes, *, within: float) -> Answer:
        """Return the answer. Raises NoAnswerError."""
        try:
            async with self._session.post(
                f"http://127.0.0.1:{port}{path}",
                data=event,
                headers=self._headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=within),
            ) as response:
                body = bytearray()
                async for part in response.content.iter_any():
                    body += part
                    if len(body) > _MAX_ANSWER_BYTES:
                        msg = f"the answer is larger than {_MAX_ANSWER_BYTES} bytes"
                        raise NoAnswerError(msg)
                return Answer(status=response.status, headers=tuple(response.headers.items()), body=bytes(body))
        except TimeoutError as error:
            msg = f"no answer within {within:g} s"
            raise NoAnswerError(msg) from error
        except (ClientError, OSError) as error:
            msg = f"no answer: {error}"
            raise NoAnswerError(msg) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class Next(Enum):
    """What happens to the event next."""

    DONE = auto()
    RETRY = auto()
    PARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`code` is 0 when there was no answer; `error` is the body of a failure."""

    next: Next
    code: int = 0
    error: bytes = b""
    reply: CloudEvent | None = None

    def extensions(self, destination: str) -> dict[str, str]:
        """Return what a dead letter says about its end, as Knative's broker writes it."""
        known = {
            "knativeerrordest": destination[:MAX_VALUE_BYTES],
            "knativeerrorcode": str(self.code or ""),
            "knativeerrordata": base64.b64encode(self.error[:_ERROR_BYTES]).decode(),
        }
        return {name: value for name, value in known.items() if value}


def outcome_of(answer: Answer) -> Outcome:
    """Return what follows from an answer by the rules of Knative's broker.

    A success whose body is no CloudEvent counts as 502: the broker cannot tell what it means.
    """
    if answer.is_success:
        return _success(answer)
    is_retried = answer.status >= _SERVER_ERROR or answer.status in _RETRIED
    return Outcome(next=Next.RETRY if is_retried else Next.PARK, code=answer.status, error=answer.body)


def no_answer(reason: str) -> Outcome:
    """Return what follows when nothing was answered."""
    return Outcome(next=Next.RETRY, error=reason.encode(errors="replace"))


def _success(answer: Answer) -> Outcome:
    if is_event({name.lower(): value for name, value in answer.headers}):
        try:
            reply = read_event(answer.headers, answer.body)
        except Rejected as error:
            return _bad_reply(f"the reply is no CloudEvent: {error}")
        if len(reply.structured()) > MAX_EVENT_BYTES:
            return _bad_reply(f"the reply has more than {MAX_EVENT_BYTES} bytes")
        return Outcome(next=Next.DONE, code=answer.status, reply=reply)
    if answer.body:
        return _bad_reply("a success with a body that is no CloudEvent")
    return Outcome(next=Next.DONE, code=answer.status)


def _bad_reply(reason: str) -> Outcome:
    return Outcome(next=Next.RETRY, code=_BAD_REPLY, error=reason.encode(errors="replace"))
