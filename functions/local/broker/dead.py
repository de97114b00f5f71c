"""Delivers dead letters to their sink for as long as it takes."""

import asyncio
import logging
from dataclasses import dataclass

from nats.aio.msg import Msg

from functions.local.broker.client import FunctionClient, NoAnswerError
from functions.local.broker.event import unframe
from functions.local.broker.heart import Heart

_FIRST_WAIT, _LONGEST_WAIT, _DOUBLINGS = 0.25, 30.0, 10
_SUCCESS = range(200, 300)

_log = logging.getLogger("slipway.broker")


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
        wait = min(_FIRST_WAIT * 2 ** min(attempts, _DOUBLINGS), _LONGEST_WAIT)
        _log.warning("dead letter %s to %s: %s; again in %.0f s", letter.attributes["id"], self.sink, problem, wait)
        await message.nak(delay=wait)
