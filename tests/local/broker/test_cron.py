"""Schedules of PingSources."""

import asyncio

import pytest
import uvloop

from functions.common.errors import Rejected
from functions.local.broker.function_client import FunctionClient
from functions.local.broker.ping_source import PingTimer
from functions.local.manifests import check_schedule
from functions.local.routing import Ping
from tests.local.broker.services import NO_REPLY, RecordingService, always
from tests.patience import patient


def ping(schedule: str) -> Ping:
    return Ping(
        name="clock",
        namespace="slipway",
        schedule=schedule,
        content_type="application/json",
        data=b"",
        service="sink",
        path="/",
    )


@pytest.mark.parametrize("text", ["* * * * *", "*/15 9-17 1,15 * *", "30 14 * * 7", "0 0 1 JAN MON-FRI"])
def test_a_schedule_has_five_fields(text: str) -> None:
    check_schedule(text)


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "60 * * * *", "* * * * moon", "*/0 * * * *", "5-1 * * * *", "@hourly"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="schedule"):
        check_schedule(text)


@pytest.mark.parametrize(("text", "is_so"), [("*/5 * * * *", True), ("0 * * * *", True), ("0 3 * * *", False)])
def test_a_schedule_of_minutes_is_known(text: str, is_so: bool) -> None:  # noqa: FBT001 - a table's column
    assert ping(text).names_minutes_only is is_so


def test_each_moment_of_a_schedule_ticks_once() -> None:
    sink = RecordingService(always(NO_REPLY))

    async def tick_for(seconds: float) -> None:
        client = FunctionClient()
        every_second = PingTimer(ping=ping("* * * * * *"), port=sink.port, timeout=5, fast=0.01, client=client)
        ticking = asyncio.create_task(every_second.run())
        await asyncio.sleep(seconds)
        ticking.cancel()
        await client.close()

    with sink.listening():
        uvloop.run(tick_for(3.5))

    moments = [received.event["time"][:19] for received in sink.received]
    assert 2 <= len(moments) <= 4 * patient(1)
    assert len(set(moments)) == len(moments)
