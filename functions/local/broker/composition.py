"""Puts the bridge together from the routing table."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from functions.local.broker.clock import PingClock
from functions.local.broker.delivery import DeadLetterDelivery, Heart, TriggerDelivery
from functions.local.broker.function_client import FunctionClient
from functions.local.broker.ingress import MAX_BODY, Ingress, listening
from functions.local.broker.jetstream import Consumer, Puller, Stream, sink_consumer, trigger_consumer
from functions.local.routing import Routing, Trigger

_UNLIMITED = 32
_DRAIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """`ports` are those of the Services and of `broker`; `clock` is the seconds of a fast minute, or 0."""

    routing: Routing
    nats_url: str
    ports: Mapping[str, int]
    clock: float

    async def serve(self) -> None:
        """Run until a signal."""
        client, heart = FunctionClient(), Heart()
        stream = Stream(url=self.nats_url, consumers=tuple(self._consumers()))
        pullers = self._pullers(stream, client, heart)
        tasks = [asyncio.create_task(work) for work in (stream.open(), heart.run(), *(p.run() for p in pullers))]
        tasks += [asyncio.create_task(clock.run()) for clock in self._clocks(client)]
        async with listening(self.ports["broker"], Ingress(stream=stream).answer, max_body=MAX_BODY):
            await _signal()
        await _drain(pullers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        client.close()
        await stream.close()

    def _consumers(self) -> list[Consumer]:
        triggers = [trigger_consumer(trigger.name, trigger.attributes.get("type")) for trigger in self.routing.triggers]
        return triggers + [sink_consumer(sink) for sink in self.routing.sinks]

    def _pullers(self, stream: Stream, client: FunctionClient, heart: Heart) -> list[Puller]:
        rooms = {
            service.name: asyncio.Semaphore(service.concurrency or _UNLIMITED) for service in self.routing.services
        }
        pullers = []
        for trigger in self.routing.triggers:
            service = self.routing.service(trigger.service)
            delivery = TriggerDelivery(
                trigger=trigger,
                port=self.ports[service.name],
                timeout=trigger.delivery.timeout or service.timeout,
                room=rooms[service.name],
                client=client,
                stream=stream,
                heart=heart,
            )
            consumer = _consumer_of(trigger)
            pullers.append(Puller(stream, consumer, service.concurrency or _UNLIMITED, delivery.handle))
        for sink in self.routing.sinks:
            service = self.routing.service(sink)
            dead = DeadLetterDelivery(
                sink=sink,
                port=self.ports[sink],
                timeout=service.timeout,
                room=rooms[sink],
                client=client,
                heart=heart,
            )
            pullers.append(Puller(stream, sink_consumer(sink), service.concurrency or _UNLIMITED, dead.handle))
        return pullers

    def _clocks(self, client: FunctionClient) -> list[PingClock]:
        return [
            PingClock(
                ping=ping,
                port=self.ports[ping.service],
                timeout=self.routing.service(ping.service).timeout,
                fast=self.clock,
                client=client,
            )
            for ping in self.routing.pings
        ]


def _consumer_of(trigger: Trigger) -> Consumer:
    return trigger_consumer(trigger.name, trigger.attributes.get("type"))


async def _signal() -> None:
    """Return when this process is told to end."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, told.set)
    await told.wait()


async def _drain(pullers: list[Puller]) -> None:
    for puller in pullers:
        await puller.stop()
    working = [task for puller in pullers for task in puller.working]
    if working:
        with suppress(TimeoutError):
            await asyncio.wait(working, timeout=_DRAIN_SECONDS)
