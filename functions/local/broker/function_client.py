"""HTTP to the functions, and what their answers mean."""

import asyncio
import base64
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import h11

from functions.common.errors import Rejected
from functions.local.broker.cloudevents_http import WireEvent, is_event, read_event

# HTTP to the functions: kept connections, nothing more. Several times lighter than a general client.

_READ = 65_536


class NoAnswerError(Exception):
    """The other side did not answer, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    @property
    def is_usable(self) -> bool:
        return not (self.writer.is_closing() or self.reader.at_eof())

    def close(self) -> None:
        with suppress(OSError):
            self.writer.close()


class FunctionClient:
    """POSTs to programs of this machine."""

    def __init__(self) -> None:
        self._idle: dict[int, list[_Connection]] = defaultdict(list)

    async def post(
        self, port: int, path: str, headers: list[tuple[bytes, bytes]], body: bytes, *, within: float
    ) -> Answer:
        """Return the answer. Raises NoAnswerError; a kept connection that was closed meanwhile is replaced once."""
        try:
            async with asyncio.timeout(within):
                return await self._post(port, path, headers, body)
        except TimeoutError as error:
            msg = f"no answer within {within:g} s"
            raise NoAnswerError(msg) from error
        except (OSError, h11.RemoteProtocolError) as error:
            msg = f"no answer: {error}"
            raise NoAnswerError(msg) from error

    def close(self) -> None:
        """Close what is kept."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _post(self, port: int, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Answer:
        request = h11.Request(
            method="POST",
            target=path,
            headers=[(b"host", b"127.0.0.1:%d" % port), (b"content-length", b"%d" % len(body)), *headers],
        )
        while kept := self._kept(port):
            with suppress(OSError, _ClosedMeanwhileError):
                return await self._exchange(kept, port, request, body)
        fresh = _Connection(*await asyncio.open_connection("127.0.0.1", port))
        try:
            return await self._exchange(fresh, port, request, body)
        except _ClosedMeanwhileError as error:
            raise ConnectionResetError(str(error)) from error

    def _kept(self, port: int) -> _Connection | None:
        idle = self._idle[port]
        while idle:
            connection = idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return None

    async def _exchange(self, connection: _Connection, port: int, request: h11.Request, body: bytes) -> Answer:
        finished = False
        try:
            sent = [connection.state.send(event) for event in (request, h11.Data(data=body), h11.EndOfMessage())]
            connection.writer.write(b"".join(part for part in sent if part))
            await connection.writer.drain()
            answer = await _read(connection)
            finished = connection.state.our_state is h11.DONE and connection.state.their_state is h11.DONE
        finally:
            if not finished:
                connection.close()
        if finished:
            connection.state.start_next_cycle()
            self._idle[port].append(connection)
        return answer


class _ClosedMeanwhileError(Exception):
    """The connection ended before the first byte of an answer."""


async def _read(connection: _Connection) -> Answer:
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = connection.state.next_event()
        if event is h11.NEED_DATA:
            data = await connection.reader.read(_READ)
            if not data and head is None:
                msg = "the connection was closed"
                raise _ClosedMeanwhileError(msg)
            connection.state.receive_data(data)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif head is not None and isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Answer(status=head.status_code, headers=headers, body=bytes(body))


# What an answer means to a broker: the rules of Knative's.

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
