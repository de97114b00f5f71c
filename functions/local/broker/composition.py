"""Composes the broker of one machine from its routing table, and runs it."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from functions.local.broker.delivery import AckHeartbeat, DeadLetterDelivery, TriggerDelivery
from functions.local.broker.function_client import FunctionClient
from functions.local.broker.ingress import Ingress, serving
from functions.local.broker.jetstream import Consumer, Stream, sink_consumer, trigger_consumer
from functions.local.broker.ping_source import PingTimer
from functions.local.broker.pull_consumer import PullConsumer
from functions.local.routing import Routing, Service, Trigger

_UNLIMITED = 32
_DRAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What all deliveries share; `slots` are by Service."""

    stream: Stream
    client: FunctionClient
    heartbeat: AckHeartbeat
    slots: Mapping[str, asyncio.Semaphore]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """`ports` are those of the Services and of `broker`; `clock` is the seconds of a fast minute, or 0.

    Who sends events must have the `token`, unless it is empty; the broker sends it to the functions.
    """

    routing: Routing
    nats_url: str
    ports: Mapping[str, int]
    clock: float
    token: str = field(default="", repr=False)

    async def serve(self) -> None:
        """Run until a signal. An error that ends any part ends the broker: the process manager starts it again."""
        shared = self._shared()
        pulls = [*self._trigger_pulls(shared), *self._dead_letter_pulls(shared)]
        runs = [shared.stream.run(), shared.heartbeat.run(), *(pull.run() for pull in pulls)]
        runs += [timer.run() for timer in self._ping_timers(shared.client)]
        tasks = [asyncio.create_task(run) for run in runs]
        async with serving(Ingress(stream=shared.stream, token=self.token), self.ports["broker"]) as server:
            signals = asyncio.create_task(_signal())
            ended, _ = await asyncio.wait([signals, server, *tasks], return_when=asyncio.FIRST_COMPLETED)
        await _drain(pulls)
        for task in (signals, *tasks):
            task.cancel()
        # A wait that ends as it is cancelled may go on: asyncio.run cancels what is left again.
        cancelled, _ = await asyncio.wait([signals, *tasks], timeout=_DRAIN_SECONDS)
        await asyncio.gather(*cancelled, return_exceptions=True)
        await shared.client.close()
        await shared.stream.close()
        for task in ended:
            task.result()

    def _shared(self) -> _Shared:
        consumers = (*map(_consumer_of, self.routing.triggers), *map(sink_consumer, self.routing.sinks))
        return _Shared(
            stream=Stream(url=self.nats_url, consumers=consumers),
            client=FunctionClient(self.token),
            heartbeat=AckHeartbeat(),
            slots={service.name: asyncio.Semaphore(_concurrency(service)) for service in self.routing.services},
        )

    def _trigger_pulls(self, shared: _Shared) -> Iterator[PullConsumer]:
        for trigger in self.routing.triggers:
            service = self.routing.service(trigger.service)
            delivery = TriggerDelivery(
                trigger=trigger,
                port=self.ports[service.name],
                timeout=trigger.delivery.timeout or service.timeout,
                slots=shared.slots[service.name],
                client=shared.client,
                stream=shared.stream,
                heartbeat=shared.heartbeat,
            )
            yield PullConsumer(shared.stream, _consumer_of(trigger), _concurrency(service), delivery.handle)

    def _dead_letter_pulls(self, shared: _Shared) -> Iterator[PullConsumer]:
        for sink in self.routing.sinks:
            service = self.routing.service(sink)
            delivery = DeadLetterDelivery(
                sink=sink,
                port=self.ports[sink],
                timeout=service.timeout,
                slots=shared.slots[sink],
                client=shared.client,
                heartbeat=shared.heartbeat,
            )
            yield PullConsumer(shared.stream, sink_consumer(sink), _concurrency(service), delivery.handle)

    def _ping_timers(self, client: FunctionClient) -> Iterator[PingTimer]:
        for ping in self.routing.pings:
            yield PingTimer(
                ping=ping,
                port=self.ports[ping.service],
                timeout=self.routing.service(ping.service).timeout,
                fast=self.clock,
                client=client,
            )


def _consumer_of(trigger: Trigger) -> Consumer:
    return trigger_consumer(trigger.name, trigger.attributes.get("type"))


def _concurrency(service: Service) -> int:
    return service.concurrency or _UNLIMITED


async def _signal() -> None:
    """Return when a signal asks this process to end."""
    received, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, received.set)
    await received.wait()


async def _drain(pulls: list[PullConsumer]) -> None:
    for pull in pulls:
        await pull.stop()
    working = [task for pull in pulls for task in pull.working]
    if working:
        with suppress(TimeoutError):
            await asyncio.wait(working, timeout=_DRAIN_SECONDS)
