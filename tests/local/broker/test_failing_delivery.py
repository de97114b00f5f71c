"""An error of the broker itself counts as a failed attempt, and the event ends as a dead letter."""

import asyncio
from pathlib import Path

from nats.aio.msg import Msg

from functions.common.runtime.cloudevent import CloudEvent
from functions.local.broker.delivery import AckHeartbeat, DeadLetterDelivery, TriggerDelivery
from functions.local.broker.function_client import FunctionClient
from functions.local.broker.jetstream import Stream, decode, sink_consumer, trigger_consumer
from functions.local.broker.pull_consumer import PullConsumer
from functions.local.routing import Backoff, Delivery, Trigger
from tests.attacks.events import GOOD
from tests.local.broker.test_stream import with_stream

RETRIES = 3
DELIVERY = Delivery(retry=RETRIES, policy=Backoff.EXPONENTIAL, delay=0.05, sink="park")
TRIGGER = Trigger(name="all", attributes={}, service="sink", path="/", delivery=DELIVERY)


async def broken_client() -> FunctionClient:
    """Return a client that can send nothing: its session is closed, which no delivery expects."""
    client = FunctionClient()
    await client.close()
    return client


def test_an_event_is_parked_after_its_retries(tmp_path: Path) -> None:
    async def do(stream: Stream) -> None:
        heartbeat, attempts, letters = AckHeartbeat(), list[int](), asyncio.Queue[CloudEvent]()
        delivery = TriggerDelivery(
            trigger=TRIGGER,
            port=1,
            timeout=1,
            slots=asyncio.Semaphore(1),
            client=await broken_client(),
            stream=stream,
            heartbeat=heartbeat,
        )

        async def deliver(message: Msg) -> None:
            attempts.append(message.metadata.num_delivered)
            await delivery.handle(message)

        async def receive_letter(message: Msg) -> None:
            await message.ack()
            letters.put_nowait(decode(message.data))

        events = PullConsumer(stream, trigger_consumer("all", None), 1, deliver)
        parked = PullConsumer(stream, sink_consumer("park"), 1, receive_letter)
        running = [asyncio.create_task(pull.run()) for pull in (events, parked)]
        await stream.publish(CloudEvent(attributes=GOOD, data=b"{}"))
        letter = await letters.get()
        for task in running:
            task.cancel()

        assert attempts == [1, 2, 3, 4]
        assert letter.attributes["knativeerrordest"] == "http://sink/"
        assert letter.attributes["knativeerrordata"] == "aW50ZXJuYWwgZXJyb3Igb2YgdGhlIGJyb2tlcg=="

    with_stream(tmp_path, do, sinks=("park",))


def test_a_dead_letter_stays_and_is_tried_again(tmp_path: Path) -> None:
    async def do(stream: Stream) -> None:
        attempts = asyncio.Queue[int]()
        delivery = DeadLetterDelivery(
            sink="park",
            port=1,
            timeout=1,
            slots=asyncio.Semaphore(1),
            client=await broken_client(),
            heartbeat=AckHeartbeat(),
        )

        async def deliver(message: Msg) -> None:
            attempts.put_nowait(message.metadata.num_delivered)
            await delivery.handle(message)

        running = asyncio.create_task(PullConsumer(stream, sink_consumer("park"), 1, deliver).run())
        await stream.park(CloudEvent(attributes=GOOD, data=b"{}"), sink="park")
        assert [await attempts.get() for _ in range(3)] == [1, 2, 3]
        running.cancel()

    with_stream(tmp_path, do, sinks=("park",))
