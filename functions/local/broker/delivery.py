"""Delivers events to Triggers and dead letters to their sinks."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from functions.common.errors import Unavailable
from functions.local.broker.cloudevents_http import WireEvent, unframe
from functions.local.broker.function_client import FunctionClient, Next, NoAnswerError, Outcome, judge, unanswered
from functions.local.broker.jetstream import HEARTBEAT_SECONDS, HOPS, Stream
from functions.local.routing import Trigger

# Tells JetStream what is still being worked on, so that it can believe silence at once.


class Heart:
    """One beat for all messages."""

    def __init__(self) -> None:
        self._messages = dict[int, Msg]()

    @contextmanager
    def beating_for(self, message: Msg) -> Iterator[None]:
        """Keep the message ours while inside."""
        self._messages[id(message)] = message
        try:
            yield
        finally:
            del self._messages[id(message)]

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for message in tuple(self._messages.values()):
                with suppress(NatsError, OSError):
                    await message.in_progress()


# Delivers the events of one Trigger: answer, retry, reply, dead letter.

MAX_HOPS = 255
PREFER_REPLY = [(b"prefer", b"reply")]
_LONGEST_WAIT = 3_600.0

_log = logging.getLogger("slipway.broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDelivery:
    """`room` is how many requests the Service takes at once, shared by all its Triggers."""

    trigger: Trigger
    port: int
    timeout: float
    room: asyncio.Semaphore
    client: FunctionClient
    stream: Stream
    heart: Heart

    async def handle(self, message: Msg) -> None:
        """Deliver one message once, and tell the stream what became of it."""
        event = unframe(message.data)
        if not self.trigger.matches(event.attributes):
            await message.ack()
            return
        with self.heart.beating_for(message):
            async with self.room:
                outcome = await self._attempt(event)
            await self._follow(message, event, outcome)

    async def _attempt(self, event: WireEvent) -> Outcome:
        started = time.perf_counter()
        headers = event.headers() + PREFER_REPLY
        try:
            answer = await self.client.post(self.port, self.trigger.path, headers, event.data, within=self.timeout)
        except NoAnswerError as error:
            outcome = unanswered(str(error))
        else:
            outcome = judge(answer)
        milliseconds = (time.perf_counter() - started) * 1000
        if outcome.next is not Next.DONE or _log.isEnabledFor(logging.DEBUG):
            text = "%s %s to %s: %s, code %d, %.0f ms: %s"
            head = (event.attributes["type"], event.attributes["id"], self.trigger.service, outcome.next.name)
            _log.warning(text, *head, outcome.code, milliseconds, outcome.error[:300].decode(errors="replace"))
        return outcome

    async def _follow(self, message: Msg, event: WireEvent, outcome: Outcome) -> None:
        hops = int((message.headers or {}).get(HOPS, 0)) + 1
        if outcome.reply is not None and hops >= MAX_HOPS:
            outcome = Outcome(next=Next.PARK, code=400, error=b"the event has gone in a circle")
        elif outcome.reply is not None and not await self._reply(outcome.reply, hops):
            return  # not confirmed: the input is delivered again, and so is the reply
        failures = message.metadata.num_delivered
        if outcome.next is Next.DONE:
            await message.ack()
        elif outcome.next is Next.RETRY and failures <= self.trigger.delivery.retry:
            await message.nak(delay=min(self.trigger.delivery.wait(failures), _LONGEST_WAIT))
        else:
            await self._park(message, event, outcome)

    async def _reply(self, reply: WireEvent, hops: int) -> bool:
        try:
            await self.stream.publish(reply, hops=hops)
        except Unavailable as error:
            _log.warning("reply %s not published: %s", reply.attributes["id"], error)
            return False
        return True

    async def _park(self, message: Msg, event: WireEvent, outcome: Outcome) -> None:
        destination = f"http://{self.trigger.service}{self.trigger.path}"
        letter = event.having(outcome.extensions(destination))
        try:
            await self.stream.park(letter, sink=self.trigger.delivery.sink)
        except Unavailable as error:
            _log.warning("dead letter %s not kept yet: %s", event.attributes["id"], error)
            return  # delivered again, and parked then
        await message.ack()


# Delivers dead letters to their sink for as long as it takes.

_FIRST_WAIT, _LONGEST_PARK_WAIT, _DOUBLINGS = 0.25, 30.0, 10
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDelivery:
    """A sink that is down, or refuses, is asked again: what lies here has nowhere else to go."""

    sink: str
    port: int
    timeout: float
    room: asyncio.Semaphore
    client: FunctionClient
    heart: Heart

    async def handle(self, message: Msg) -> None:
        """Deliver one dead letter, or leave it for later."""
        letter = unframe(message.data)
        try:
            with self.heart.beating_for(message):
                async with self.room:
                    answer = await self.client.post(self.port, "/", letter.headers(), letter.data, within=self.timeout)
        except NoAnswerError as error:
            problem = str(error)
        else:
            problem = "" if answer.status in _SUCCESS else f"status {answer.status}"
        if not problem:
            await message.ack()
            return
        attempts = message.metadata.num_delivered
        wait = min(_FIRST_WAIT * 2 ** min(attempts, _DOUBLINGS), _LONGEST_PARK_WAIT)
        _log.warning("dead letter %s to %s: %s; again in %.0f s", letter.attributes["id"], self.sink, problem, wait)
        await message.nak(delay=wait)
