"""Takes messages of one consumer, never more at once than can be worked on."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from functions.common.errors import Unavailable
from functions.local.broker.consumers import STREAM, Consumer
from functions.local.broker.stream import Stream

_EXPIRES_SECONDS = 20.0
_SILENCE_SECONDS = _EXPIRES_SECONDS + 3
_RETRY_SECONDS = 0.2
_STATUS = "Status"
_PENDING = "Nats-Pending-Messages"

_log = logging.getLogger("slipway.broker")


class Puller:
    """Keeps requests for `slots` messages open, so that an event goes out the moment it comes in."""

    def __init__(
        self, stream: Stream, consumer: Consumer, slots: int, handle: Callable[[Msg], Awaitable[None]]
    ) -> None:
        self._stream, self._consumer, self._slots, self._handle = stream, consumer, slots, handle
        self._asked = 0
        self._asked_at = 0.0
        self._subscription: Subscription | None = None
        self._again = asyncio.Event()
        self.working = set[asyncio.Task[None]]()
        stream.on_ready.append(self.restart)

    def restart(self) -> None:
        """Ask anew: what was asked before is forgotten by the server, or is not to be trusted."""
        self._again.set()

    async def run(self) -> None:
        """Take messages until cancelled."""
        while True:
            await self._stream.ready.wait()
            self._again.clear()
            with suppress(Unavailable, NatsError, OSError):
                await self._subscribe()
                await self._top_up()
                while not self._again.is_set() and time.monotonic() - self._asked_at < _SILENCE_SECONDS:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._again.wait(), 1)
            await asyncio.sleep(0 if self._again.is_set() else _RETRY_SECONDS)

    async def stop(self) -> None:
        """Take no more."""
        self._asked = self._slots
        await self._unsubscribe()

    async def _subscribe(self) -> None:
        await self._unsubscribe()
        client = self._stream.client
        self._subscription = await client.subscribe(client.new_inbox(), cb=self._take)
        self._asked = 0

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            with suppress(NatsError, OSError):
                await self._subscription.unsubscribe()
            self._subscription = None

    async def _top_up(self) -> None:
        free = self._slots - self._asked - len(self.working)
        if free <= 0 or self._subscription is None:
            return
        self._asked += free
        self._asked_at = time.monotonic()
        request = json.dumps({"batch": free, "expires": int(_EXPIRES_SECONDS * 1e9)}).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self._consumer.durable}"
        await self._stream.client.publish(subject, request, reply=self._subscription.subject)

    async def _take(self, message: Msg) -> None:
        if self._subscription is None or message.subject == self._subscription.subject:
            await self._status(message)
            return
        self._asked = max(0, self._asked - 1)
        task = asyncio.create_task(self._work(message))
        self.working.add(task)

    async def _work(self, message: Msg) -> None:
        try:
            await self._handle(message)
        except Exception:  # noqa: BLE001 - one event's trouble is not the others'; it is delivered again
            _log.exception("event of %s not handled", self._consumer.durable)
        finally:
            task = asyncio.current_task()
            if task is not None:
                self.working.discard(task)
            with suppress(Unavailable, NatsError, OSError):
                await self._top_up()

    async def _status(self, message: Msg) -> None:
        headers = message.headers or {}
        self._asked = max(0, self._asked - int(headers.get(_PENDING, 0) or 0))
        if headers.get(_STATUS) not in {"404", "408"} or _PENDING not in headers:
            await asyncio.sleep(_RETRY_SECONDS)
            self.restart()
            return
        with suppress(Unavailable, NatsError, OSError):
            await self._top_up()
