"""The stream of events in JetStream: its subjects and consumers, and the connection that keeps and finds them."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

import nats
from nats.aio.client import Client
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
from nats.js.errors import APIError, NoStreamResponseError

from functions.common.errors import Rejected, Unavailable
from functions.common.events.envelope import CONTENT_TYPE
from functions.common.runtime.cloudevent import CloudEvent, check_event, parse_json, read_event

STREAM = "slipway"
HOPS = "Slipway-Hops"
_EVENTS = "slipway.event."
_DEAD = "slipway.dead."
_MAX_SUBJECT_LENGTH = 255  # NATS closes a connection over a line of 4,096 bytes, of which a subject is a part
# JetStream delivers a message again after this long without a word. A living broker says every
# HEARTBEAT_SECONDS that it still works on it.
ACK_WAIT_SECONDS = 2.5
HEARTBEAT_SECONDS = 0.6
_PUBLISH_SECONDS = 4.0
_CHECK_SECONDS = 3.0  # a stream that is busy with large events answers later than that of a quiet broker
_REFUSAL_SECONDS = 10.0  # of health after JetStream refused an event, as when the disk is full
_RETRY_SECONDS = 0.1
_PING_SECONDS = 5

_log = logging.getLogger("slipway.broker")


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
    return Consumer(durable=f"sink-{name}", subject=dead_letter_subject(name))


def dead_letter_subject(sink: str) -> str:
    """Return the subject of a sink's dead letters."""
    return _DEAD + sink


@lru_cache(4096)
def event_subject(event_type: str) -> str:
    """Return a type's subject: percent-encoded where NATS reserves a character, a hash when that is too long."""
    safe = quote(event_type, safe="-_:/~")
    if ".." in safe or safe.startswith(".") or safe.endswith("."):
        safe = safe.replace(".", "%2E")
    if len(safe) > _MAX_SUBJECT_LENGTH:
        safe = "#" + hashlib.sha256(event_type.encode()).hexdigest()  # no encoded type begins so
    return _EVENTS + safe


def decode(message: bytes) -> CloudEvent:
    """Return the event of a message, which is its structured form. Raises Rejected."""
    try:
        return read_event([("content-type", CONTENT_TYPE)], message)
    except Rejected:
        if b"\n" in message:
            return _decode_older(message)
        raise


def _decode_older(message: bytes) -> CloudEvent:
    """Read what brokers before version 0.2 have left in the stream: a line of attributes in JSON, then the data."""
    head, _, data = message.partition(b"\n")
    try:
        attributes = parse_json(head)
    except ValueError as error:
        msg = f"the message is neither a structured event nor attributes and data: {error}"
        raise Rejected(msg) from error
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        msg = "the attributes of the message are not texts"
        raise Rejected(msg)
    return check_event(CloudEvent(attributes=attributes, data=data))


async def ensure_stream(jetstream: JetStreamContext, consumers: tuple[Consumer, ...]) -> None:
    """Create or update stream and consumers, and delete consumers that no manifest names."""
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
            await jetstream.add_consumer(STREAM, _consumer_config(consumer))
    for durable in known:
        await jetstream.delete_consumer(STREAM, durable)


def _consumer_config(consumer: Consumer) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=100_000,
    )


@dataclass(slots=True, kw_only=True)
class Stream:
    """The connection to JetStream. `ready` is set while stream and consumers are known to exist.

    The client reconnects by itself when the connection breaks; when it gives up for good, as after a protocol error,
    it is replaced by a new one.
    """

    url: str
    consumers: tuple[Consumer, ...]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    on_ready: list[Callable[[], None]] = field(default_factory=list)
    _client: Client | None = None
    _refusal: str = ""
    _refused_at: float = 0
    _ensuring: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client:
        """The connected client. Raises Unavailable while there is none."""
        if self._client is None or not self._client.is_connected:
            msg = "NATS does not answer"
            raise Unavailable(msg)
        return self._client

    async def run(self) -> None:
        """Keep a connection, with the stream and its consumers behind it, until cancelled."""
        while True:
            closed = asyncio.Event()
            try:
                self._client = await self._connect(closed)
            except (NatsError, OSError, TimeoutError) as error:
                _log.warning("NATS cannot be connected to: %r", error)
            else:
                await self._ensure()
                await closed.wait()
                _log.warning("the client of NATS closed its connection: %r", self._client.last_error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            with suppress(NatsError, TimeoutError, OSError):
                await asyncio.wait_for(self._client.close(), 1)

    async def publish(self, event: CloudEvent, *, hops: int = 0) -> None:
        """Store an event; when this returns the stream has it. Raises Unavailable."""
        await self._publish(event_subject(event.attributes["type"]), event, hops)

    async def park(self, event: CloudEvent, *, sink: str) -> None:
        """Store a dead letter for its sink. Raises Unavailable."""
        await self._publish(dead_letter_subject(sink), event, 0)

    async def check(self) -> None:
        """Raise Unavailable when JetStream does not answer, has no stream, or has just refused an event."""
        self._check_ready()
        if self._refusal and time.monotonic() - self._refused_at < _REFUSAL_SECONDS:
            raise Unavailable(self._refusal)
        try:
            await self.client.jetstream(timeout=_CHECK_SECONDS).stream_info(STREAM)
        except APIError as error:
            await self._ensure()
            msg = f"JetStream has no stream: {error.description}"
            raise Unavailable(msg) from error
        except (NatsError, TimeoutError, OSError) as error:
            msg = "JetStream does not answer"
            raise Unavailable(msg) from error

    async def _publish(self, subject: str, event: CloudEvent, hops: int) -> None:
        self._check_ready()
        headers = {HOPS: str(hops)} if hops else None
        jetstream = self.client.jetstream(timeout=_PUBLISH_SECONDS)
        try:
            await jetstream.publish(subject, event.structured(), headers=headers)
        except NoStreamResponseError as error:
            await self._ensure()
            msg = "there is no stream: it is created again"
            raise Unavailable(msg) from error
        except APIError as error:
            self._refused(f"JetStream refuses events: {error.description}")
            raise Unavailable(self._refusal) from error
        except (NatsError, TimeoutError, OSError) as error:  # it says nothing of an event that it cannot write
            self._refused("NATS did not confirm the event")
            raise Unavailable(self._refusal) from error
        self._refusal = ""

    def _refused(self, reason: str) -> None:
        self._refusal, self._refused_at = reason, time.monotonic()

    def _check_ready(self) -> None:
        if not self.ready.is_set():
            msg = "the broker is not ready: NATS does not answer"
            raise Unavailable(msg)

    async def _connect(self, closed: asyncio.Event) -> Client:
        async def on_closed() -> None:
            self.ready.clear()
            closed.set()

        return await nats.connect(
            self.url,
            name="slipway-broker",
            connect_timeout=1,
            reconnect_time_wait=_RETRY_SECONDS,
            max_reconnect_attempts=-1,
            allow_reconnect=True,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=2,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._ensure,
            closed_cb=on_closed,
            error_cb=_log_error,
        )

    async def _disconnected(self) -> None:
        self.ready.clear()

    async def _ensure(self) -> None:
        """Start to create what is missing; `ready` is set again when it is done."""
        self.ready.clear()
        if self._ensuring is None or self._ensuring.done():
            self._ensuring = asyncio.create_task(self._ensure_until_done())

    async def _ensure_until_done(self) -> None:
        while True:
            try:
                await ensure_stream(self.client.jetstream(timeout=_PUBLISH_SECONDS), self.consumers)
            except (NatsError, TimeoutError, OSError, Unavailable) as error:
                _log.warning("the stream is not ready: %r", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self.ready.set()
            for notify in self.on_ready:
                notify()
            return


async def _log_error(error: Exception) -> None:
    _log.warning("NATS: %r", error)
