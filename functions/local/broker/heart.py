"""Tells JetStream what is still being worked on, so that it can believe silence at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from functions.local.broker.consumers import HEARTBEAT_SECONDS


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
