"""The connection to NATS is replaced when it is lost for good, and what lies in the stream unreadable harms nothing."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
import uvloop

from functions.common.errors import Rejected, Unavailable
from functions.common.runtime.cloudevent import CloudEvent
from functions.local.broker.jetstream import (
    STREAM,
    Stream,
    dead_letter_subject,
    decode,
    event_subject,
    sink_consumer,
    trigger_consumer,
)
from functions.local.instance import Instance
from functions.local.platform.programs import nats_program
from functions.local.ports import PortReservations, port_reservations
from tests.attacks.events import GOOD
from tests.local.broker.services import NO_REPLY, always
from tests.local.broker.world import World
from tests.local.project import service, trigger
from tests.patience import patient

EVENT = CloudEvent(attributes=GOOD, data=b"{}")
MANIFESTS = service("sink") + service("park") + trigger("all", "sink")
QUIET = {"sink": always(NO_REPLY), "park": always(NO_REPLY)}
UNREADABLE = [
    b"",
    b"\xff\xfe",
    b"{}",
    b"null\nnull",
    b'{"specversion":"1.0","id":7}\n{}',
    b'{"specversion":"1.0","id":"1","source":"/s","type":"t"}\nno JSON',
    json.dumps({**GOOD, "subject": "x" * 20_000}).encode(),
    json.dumps({**GOOD, "datacontenttype": "application/json\0"}).encode() + b"\n{}",
]


@asynccontextmanager
async def nats_server(folder: Path, reservations: PortReservations) -> AsyncIterator[str]:
    """Run NATS and yield its URL."""
    (folder / "nats").mkdir(exist_ok=True)
    secrets = {"database_password": "none", "webhook_secret": "none", "admin_token": "none"}
    ports = {name: reservations.take(0) for name in ("nats", "nats_health")}
    instance = Instance(home=folder, mark="test", ports=ports, nats_token="loopback", **secrets)
    server = subprocess.Popen(nats_program(instance).command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - it does not wait
    try:
        yield instance.nats_url
    finally:
        server.terminate()
        server.wait(patient(10))


def with_stream(folder: Path, do: Callable[[Stream], Awaitable[None]], *, sinks: tuple[str, ...] = ()) -> None:
    """Do something with a stream that is ready."""

    async def run() -> None:
        with port_reservations() as ports:
            async with nats_server(folder, ports) as url:
                stream = Stream(url=url, consumers=(trigger_consumer("all", None), *map(sink_consumer, sinks)))
                keeping = asyncio.create_task(stream.run())
                try:
                    async with asyncio.timeout(patient(20)):
                        await stream.ready.wait()
                        await do(stream)
                finally:
                    keeping.cancel()
                    await stream.close()

    uvloop.run(run())


async def _is_published(stream: Stream) -> bool:
    try:
        await stream.publish(EVENT)
    except Unavailable:
        return False
    return True


def test_a_connection_that_is_closed_for_good_is_replaced(tmp_path: Path) -> None:
    """NATS closes it over a subject that is too long, and its client does not reconnect then."""

    async def do(stream: Stream) -> None:
        await stream.publish(EVENT)
        lost = stream.client
        await lost.publish("x" * 5000, b"")
        while not lost.is_closed:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await stream.check()
        with pytest.raises(Unavailable):
            await stream.publish(EVENT)
        while not await _is_published(stream):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        await stream.check()
        assert stream.client is not lost

    with_stream(tmp_path, do)


def test_a_stream_that_was_deleted_is_noticed_and_created_again(tmp_path: Path) -> None:
    async def do(stream: Stream) -> None:
        await stream.client.jetstream().delete_stream(STREAM)
        with pytest.raises(Unavailable):
            await stream.check()
        await stream.ready.wait()
        await stream.check()
        await stream.client.jetstream().delete_stream(STREAM)
        with pytest.raises(Unavailable, match="created again"):
            await stream.publish(EVENT)
        await stream.ready.wait()
        await stream.publish(EVENT)

    with_stream(tmp_path, do)


def test_health_says_so_while_jetstream_refuses_events(tmp_path: Path) -> None:
    async def do(stream: Stream) -> None:
        jetstream = stream.client.jetstream()
        config = (await jetstream.stream_info(STREAM)).config
        await jetstream.update_stream(config, max_msgs=1)
        await stream.publish(EVENT)
        with pytest.raises(Unavailable, match="maximum messages exceeded"):
            await stream.publish(EVENT)
        with pytest.raises(Unavailable, match="maximum messages exceeded"):
            await stream.check()
        await jetstream.update_stream(config, max_msgs=-1)
        await stream.publish(EVENT)
        await stream.check()

    with_stream(tmp_path, do)


@pytest.mark.parametrize("event_type", ["t", "x" * 1024, "ü" * 512, "a.b" * 300, "..", "*", ">", "#" + "a" * 64])
def test_a_subject_is_short_and_no_pattern(event_type: str) -> None:
    subject = event_subject(event_type)
    assert len(subject) < 300
    assert subject.isascii()
    assert "*" not in subject
    assert ">" not in subject
    assert "" not in subject.split(".")
    assert subject != event_subject(event_type + "x")


@pytest.mark.parametrize("message", UNREADABLE)
def test_a_message_that_is_no_event_is_not_decoded(message: bytes) -> None:
    with pytest.raises(Rejected):
        decode(message)


def test_a_message_of_an_older_broker_is_decoded() -> None:
    older = json.dumps({**GOOD, "datacontenttype": "application/json"}).encode() + b'\n{"a":\n1}'
    assert decode(older).data == b'{"a":\n1}'
    assert decode(json.dumps(GOOD).encode() + b"\n") == CloudEvent(attributes=GOOD, data=b"")


def test_messages_that_cannot_be_read_are_deleted_and_the_next_is_delivered(tmp_path: Path) -> None:
    async def poison(url: str) -> None:
        client = await nats.connect(url)
        jetstream = client.jetstream()
        for message in UNREADABLE:
            await jetstream.publish(event_subject("t"), message)
            await jetstream.publish(dead_letter_subject("park"), message)
        await jetstream.publish(event_subject("t"), EVENT.structured(), headers={"Slipway-Hops": "many"})
        await jetstream.publish(dead_letter_subject("park"), EVENT.structured())
        await client.close()

    async def left(url: str) -> int:
        client = await nats.connect(url)
        state = (await client.jetstream().stream_info(STREAM)).state
        await client.close()
        return int(state.messages)

    with World(tmp_path, MANIFESTS, QUIET).running() as world:
        asyncio.run(poison(world.nats_url))
        world.wait(lambda: world.services["sink"].ids() == ["1"] and world.services["park"].ids() == ["1"])
        world.wait(lambda: asyncio.run(left(world.nats_url)) == 0)
        assert world.log().count("cannot be read") == 2 * len(UNREADABLE)
