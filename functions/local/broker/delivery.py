"""Delivers events to Triggers and dead letters to their sinks."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from functions.common.errors import Rejected, Unavailable
from functions.common.runtime.cloudevent import CloudEvent
from functions.local.broker.function_client import FunctionClient, Next, NoAnswerError, Outcome, no_answer, outcome_of
from functions.local.broker.jetstream import HEARTBEAT_SECONDS, HOPS, Stream, decode
from functions.local.routing import Trigger

MAX_HOPS = 255
_LONGEST_WAIT = 3_600.0
_LOGGED_CHARACTERS = 300

_log = logging.getLogger("slipway.broker")


class AckHeartbeat:
    """Reports to JetStream the messages in work: JetStream delivers again what it hears nothing of."""

    def __init__(self) -> None:
        self._messages = dict[int, Msg]()

    @contextmanager
    def covering(self, message: Msg) -> Iterator[None]:
        """Keep the message from being delivered again while inside."""
        self._messages[id(message)] = message
        try:
            yield
        finally:
            del self._messages[id(message)]

    async def run(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for message in tuple(self._messages.values()):
                with suppress(NatsError, OSError):
                    await message.in_progress()


async def _decoded_or_deleted(message: Msg) -> CloudEvent | None:
    """Return the event; delete a message that no delivery can read, with one line in the log."""
    try:
        return decode(message.data)
    except Rejected as error:
        start = message.data[:_LOGGED_CHARACTERS]
        _log.error("a message on %s cannot be read and is deleted: %s: %r", message.subject, error, start)
        await message.term()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDelivery:
    """Delivers the events of one Trigger: answer, retry, reply, dead letter.

    `slots` is how many requests the Service takes at once, shared by all its Triggers.
    """

    trigger: Trigger
    port: int
    timeout: float
    slots: asyncio.Semaphore
    client: FunctionClient
    stream: Stream
    heartbeat: AckHeartbeat

    async def handle(self, message: Msg) -> None:
        """Deliver one message once; then delete it, delay it, or park its event."""
        event = await _decoded_or_deleted(message)
        if event is None:
            return
        if not self.trigger.matches(event.attributes):
            await message.ack()
            return
        with self.heartbeat.covering(message):
            try:
                async with self.slots:
                    outcome = await self._attempt(event)
                outcome = await self._publish_reply(outcome, hops=_hops(message) + 1)
            except Unavailable as error:
                _log.warning("the reply to %s is not published yet: %s", event.attributes["id"], error)
                return  # the event is delivered again, and so is the reply
            except Exception:  # noqa: BLE001 - an error of the broker counts as an attempt: it ends as a dead letter
                _log.exception("event %s not delivered to %s", event.attributes["id"], self.trigger.service)
                outcome = no_answer("internal error of the broker")
            await self._finish(message, event, outcome)

    async def _attempt(self, event: CloudEvent) -> Outcome:
        started = time.perf_counter()
        try:
            outcome = outcome_of(
                await self.client.post(self.port, self.trigger.path, event.structured(), within=self.timeout)
            )
        except NoAnswerError as error:
            outcome = no_answer(str(error))
        milliseconds = (time.perf_counter() - started) * 1000
        if outcome.next is not Next.DONE:
            error_text = outcome.error[:_LOGGED_CHARACTERS].decode(errors="replace")
            head = (event.attributes["type"], event.attributes["id"], self.trigger.service, outcome.next.name)
            _log.warning("%s %s to %s: %s, code %d, %.0f ms: %r", *head, outcome.code, milliseconds, error_text)
        return outcome

    async def _publish_reply(self, outcome: Outcome, *, hops: int) -> Outcome:
        if outcome.reply is None:
            return outcome
        if hops >= MAX_HOPS:
            return Outcome(next=Next.PARK, code=400, error=b"the event has gone in a circle")
        await self.stream.publish(outcome.reply, hops=hops)
        return outcome

    async def _finish(self, message: Msg, event: CloudEvent, outcome: Outcome) -> None:
        failures = message.metadata.num_delivered
        if outcome.next is Next.DONE:
            await message.ack()
        elif outcome.next is Next.RETRY and failures <= self.trigger.delivery.retry:
            await message.nak(delay=min(self.trigger.delivery.wait(failures), _LONGEST_WAIT))
        else:
            await self._park(message, event, outcome)

    async def _park(self, message: Msg, event: CloudEvent, outcome: Outcome) -> None:
        destination = f"http://{self.trigger.service}{self.trigger.path}"
        letter = event.with_extensions(outcome.extensions(destination))
        try:
            await self.stream.park(letter, sink=self.trigger.delivery.sink)
        except Unavailable as error:
            _log.warning("dead letter %s not stored yet: %s", event.attributes["id"], error)
            return  # the event is delivered again, and parked then
        await message.ack()


def _hops(message: Msg) -> int:
    hops = (message.headers or {}).get(HOPS, "0")
    return int(hops) if hops.isascii() and hops.isdecimal() else 0


_FIRST_WAIT, _LONGEST_PARK_WAIT, _DOUBLINGS = 0.25, 30.0, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDelivery:
    """Delivers dead letters to their sink until it accepts them: there is nowhere else to put them."""

    sink: str
    port: int
    timeout: float
    slots: asyncio.Semaphore
    client: FunctionClient
    heartbeat: AckHeartbeat

    async def handle(self, message: Msg) -> None:
        """Deliver one dead letter, or delay it."""
        letter = await _decoded_or_deleted(message)
        if letter is None:
            return
        with self.heartbeat.covering(message):
            problem = await self._attempt(letter)
            if not problem:
                await message.ack()
                return
            attempts = message.metadata.num_delivered
            wait = min(_FIRST_WAIT * 2 ** min(attempts, _DOUBLINGS), _LONGEST_PARK_WAIT)
            identity = letter.attributes["id"]
            _log.warning("dead letter %s to %s: %s; again in %.0f s", identity, self.sink, problem, wait)
            await message.nak(delay=wait)

    async def _attempt(self, letter: CloudEvent) -> str:
        """Return what went wrong, empty when nothing did."""
        try:
            async with self.slots:
                answer = await self.client.post(self.port, "/", letter.structured(), within=self.timeout)
        except NoAnswerError as error:
            return str(error)
        except Exception:  # noqa: BLE001 - the letter must stay
            _log.exception("dead letter %s not delivered to %s", letter.attributes["id"], self.sink)
            return "internal error of the broker"
        return "" if answer.is_success else f"status {answer.status}"
