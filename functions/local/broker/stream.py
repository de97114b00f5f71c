"""The bridge's connection to JetStream: it mends itself, and publishes."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext
from nats.js.errors import APIError

from functions.common.errors import Unavailable
from functions.local.broker.consumers import Consumer, dead_subject, ensure, event_subject
from functions.local.broker.event import WireEvent

HOPS = "Slipway-Hops"
_PUBLISH_SECONDS = 4.0
_RETRY_SECONDS = 0.1

_log = logging.getLogger("slipway.broker")


@dataclass(slots=True, kw_only=True)
class Stream:
    """A connection that mends itself; `ready` is set while stream and consumers are known to be there."""

    url: str
    consumers: tuple[Consumer, ...]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    on_ready: list[Callable[[], None]] = field(default_factory=list)
    _client: Client | None = None
    _context: JetStreamContext | None = None
    _mending: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client:
        """The connection. Raises Unavailable while there is none."""
        if self._client is None or not self._client.is_connected:
            msg = "NATS does not answer"
            raise Unavailable(msg)
        return self._client

    async def open(self) -> None:
        """Connect, however long that takes, and make stream and consumers."""
        while self._client is None:
            with suppress(NatsError, OSError):
                self._client = await nats.connect(
                    self.url,
                    name="slipway-broker",
                    connect_timeout=1,
                    reconnect_time_wait=_RETRY_SECONDS,
                    max_reconnect_attempts=-1,
                    allow_reconnect=True,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._mend,
                    error_cb=_note,
                )
            await asyncio.sleep(0 if self._client else _RETRY_SECONDS)
        await self._mend()

    async def close(self) -> None:
        """Give the connection up."""
        if self._client is not None:
            with suppress(NatsError, TimeoutError, OSError):
                await asyncio.wait_for(self._client.close(), 1)

    async def publish(self, event: WireEvent, *, hops: int = 0) -> None:
        """Keep an event; when this returns the stream has it. Raises Unavailable."""
        await self._publish(event_subject(event.attributes["type"]), event, hops)

    async def park(self, event: WireEvent, *, sink: str) -> None:
        """Keep a dead letter for its sink. Raises Unavailable."""
        await self._publish(dead_subject(sink), event, 0)

    async def _publish(self, subject: str, event: WireEvent, hops: int) -> None:
        if not self.ready.is_set():
            msg = "the broker is not ready: NATS does not answer"
            raise Unavailable(msg)
        headers = {HOPS: str(hops)} if hops else None
        jetstream = self._jetstream()
        try:
            await jetstream.publish(subject, event.frame(), headers=headers)
        except APIError as error:
            await self._mend()
            msg = "the stream does not take the event"
            raise Unavailable(msg) from error
        except (NatsError, TimeoutError, OSError) as error:
            msg = "NATS did not confirm the event"
            raise Unavailable(msg) from error

    def _jetstream(self) -> JetStreamContext:
        client = self.client
        if self._context is None:
            self._context = JetStreamContext(client, timeout=_PUBLISH_SECONDS)
        return self._context

    async def _lost(self) -> None:
        self.ready.clear()

    async def _mend(self) -> None:
        self.ready.clear()
        if self._mending is None or self._mending.done():
            self._mending = asyncio.create_task(self._ensure_until_done())

    async def _ensure_until_done(self) -> None:
        while True:
            try:
                await ensure(self._jetstream(), self.consumers)
            except (NatsError, APIError, TimeoutError, OSError, Unavailable) as error:
                _log.warning("stream not ready: %r", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self.ready.set()
            for notify in self.on_ready:
                notify()
            return


async def _note(error: Exception) -> None:
    _log.warning("NATS: %r", error)
