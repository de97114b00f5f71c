"""What the bridge has in JetStream: one stream, a durable consumer for each Trigger and each dead-letter sink."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

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
