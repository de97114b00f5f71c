"""The stream and its consumers in JetStream, and what pulls from them."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import APIError

from functions.common.errors import Unavailable
from functions.local.broker.cloudevents_http import WireEvent

# What the bridge has in JetStream: one stream, a durable consumer for each Trigger and each dead-letter sink.

STREAM = "slipway"
_EVENTS = "slipway.event."
_DEAD = "slipway.dead."
# What a bridge that died was working on is delivered again after this; a living one says every
# HEARTBEAT_SECONDS that it is still at it.
ACK_WAIT_SECONDS = 2.5
HEARTBEAT_SECONDS = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A durable consumer and the subjects it takes."""

    durable: str
    subject: str


def trigger_consumer(name: str, event_type: str | None) -> Consumer:
    """Return the consumer of a Trigger: of one type, or of all."""
    subject = event_subject(event_type) if event_type else f"{_EVENTS}>"
    return Consumer(durable="trigger-" + name.replace(".", "_"), subject=subject)


def sink_consumer(name: str) -> Consumer:
    """Return the consumer of a dead-letter sink."""
    return Consumer(durable=f"sink-{name}", subject=dead_subject(name))


def dead_subject(sink: str) -> str:
    """Return the subject of a sink's dead letters."""
    return _DEAD + sink


@lru_cache(4096)
def event_subject(event_type: str) -> str:
    """Return a type's subject; what NATS does not take in a name is percent-encoded."""
    safe = quote(event_type, safe="-_:/~")
    if ".." in safe or safe.startswith(".") or safe.endswith("."):
        safe = safe.replace(".", "%2E")
    return _EVENTS + safe


async def ensure(jetstream: JetStreamContext, consumers: tuple[Consumer, ...]) -> None:
    """Make or adapt stream and consumers, and drop consumers that nothing names any more."""
    config = StreamConfig(
        name=STREAM,
        subjects=[f"{_EVENTS}>", f"{_DEAD}>"],
        retention=RetentionPolicy.INTEREST,  # an event goes when all its Triggers are done with it
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
    )
    try:
        await jetstream.add_stream(config)
    except APIError:
        await jetstream.update_stream(config)
    known = {info.name: info.config for info in await jetstream.consumers_info(STREAM)}
    for consumer in consumers:
        old = known.pop(consumer.durable, None)
        if old is None or old.filter_subject != consumer.subject:
            await jetstream.add_consumer(STREAM, _config(consumer))
    for durable in known:
        await jetstream.delete_consumer(STREAM, durable)


def _config(consumer: Consumer) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=100_000,
    )


# The bridge's connection to JetStream: it mends itself, and publishes.

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


# Takes messages of one consumer, never more at once than can be worked on.

_EXPIRES_SECONDS = 20.0
_SILENCE_SECONDS = _EXPIRES_SECONDS + 3
_PULL_RETRY_SECONDS = 0.2
_STATUS = "Status"
_PENDING = "Nats-Pending-Messages"


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
            await asyncio.sleep(0 if self._again.is_set() else _PULL_RETRY_SECONDS)

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
            await asyncio.sleep(_PULL_RETRY_SECONDS)
            self.restart()
            return
        with suppress(Unavailable, NatsError, OSError):
            await self._top_up()
