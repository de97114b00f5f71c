"""Takes messages of one durable consumer, never more at once than can be worked on."""

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
from functions.local.broker.jetstream import STREAM, Consumer, Stream

_EXPIRES_SECONDS = 20.0
_SILENCE_SECONDS = _EXPIRES_SECONDS + 3
_PULL_RETRY_SECONDS = 0.2
_FAILURE_DELAY_SECONDS = 5.0
_STATUS = "Status"
_PENDING = "Nats-Pending-Messages"

_log = logging.getLogger("slipway.broker")


class PullConsumer:
    """Keeps requests for `slots` messages open, so that an event goes out the moment it comes in."""

    def __init__(
        self, stream: Stream, consumer: Consumer, slots: int, handle: Callable[[Msg], Awaitable[None]]
    ) -> None:
        self._stream, self._consumer, self._slots, self._handle = stream, consumer, slots, handle
        self._requested = 0
        self._requested_at = 0.0
        self._subscription: Subscription | None = None
        self._restart = asyncio.Event()
        self.working = set[asyncio.Task[None]]()
        stream.on_ready.append(self.restart)

    def restart(self) -> None:
        """Subscribe and request again: the server has forgotten earlier requests, or may have."""
        self._restart.set()

    async def run(self) -> None:
        """Take messages until cancelled."""
        while True:
            await self._stream.ready.wait()
            self._restart.clear()
            with suppress(Unavailable, NatsError, OSError):
                await self._subscribe()
                await self._top_up()
                while not self._restart.is_set() and time.monotonic() - self._requested_at < _SILENCE_SECONDS:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._restart.wait(), 1)
            await asyncio.sleep(0 if self._restart.is_set() else _PULL_RETRY_SECONDS)

    async def stop(self) -> None:
        """Take no more."""
        self._requested = self._slots
        await self._unsubscribe()

    async def _subscribe(self) -> None:
        await self._unsubscribe()
        client = self._stream.client
        self._subscription = await client.subscribe(client.new_inbox(), cb=self._take)
        self._requested = 0

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            with suppress(NatsError, OSError):
                await self._subscription.unsubscribe()
            self._subscription = None

    async def _top_up(self) -> None:
        free = self._slots - self._requested - len(self.working)
        if free <= 0 or self._subscription is None:
            return
        self._requested += free
        self._requested_at = time.monotonic()
        request = json.dumps({"batch": free, "expires": int(_EXPIRES_SECONDS * 1e9)}).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self._consumer.durable}"
        await self._stream.client.publish(subject, request, reply=self._subscription.subject)

    async def _take(self, message: Msg) -> None:
        if self._subscription is None or message.subject == self._subscription.subject:
            await self._read_status(message)
            return
        self._requested = max(0, self._requested - 1)
        task = asyncio.create_task(self._work(message))
        self.working.add(task)

    async def _work(self, message: Msg) -> None:
        try:
            await self._handle(message)
        except (NatsError, OSError) as error:
            _log.warning("message of %s is delivered again: %r", self._consumer.durable, error)
        except Exception:  # noqa: BLE001 - other messages must go on; this one is delivered again
            _log.exception("message of %s not handled", self._consumer.durable)
            with suppress(NatsError, OSError):
                await message.nak(delay=_FAILURE_DELAY_SECONDS)
        finally:
            task = asyncio.current_task()
            if task is not None:
                self.working.discard(task)
            with suppress(Unavailable, NatsError, OSError):
                await self._top_up()

    async def _read_status(self, message: Msg) -> None:
        headers = message.headers or {}
        self._requested = max(0, self._requested - int(headers.get(_PENDING, 0) or 0))
        if headers.get(_STATUS) not in {"404", "408"} or _PENDING not in headers:
            await asyncio.sleep(_PULL_RETRY_SECONDS)
            self.restart()
            return
        with suppress(Unavailable, NatsError, OSError):
            await self._top_up()
