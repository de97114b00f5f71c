"""Delivers the events of one Trigger: answer, retry, reply, dead letter."""

import asyncio
import logging
import time
from dataclasses import dataclass

from nats.aio.msg import Msg

from functions.common.errors import Unavailable
from functions.local.broker.client import FunctionClient, NoAnswerError
from functions.local.broker.event import WireEvent, unframe
from functions.local.broker.heart import Heart
from functions.local.broker.outcome import Next, Outcome, judge, unanswered
from functions.local.broker.stream import HOPS, Stream
from functions.local.routing import Trigger

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
