"""The broker of the overlay `nats`, on a real JetStream: what it repeats, parks, drops and keeps."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.cluster.kit.nats import MAX_DELIVERIES, PARTS, World, build_world, is_installed, restart
from tests.local.waiting import until
from tests.real_kubernetes import real_api, real_namespace

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Return the Broker with its Triggers ready."""
    api = real_api()
    if not is_installed(api):
        pytest.skip("this cluster has no NATS channel: task cluster:up installs it")
    with real_namespace(api, "natstest") as namespace:
        yield build_world(api, namespace)


def test_an_event_reaches_its_subscriber_once(world: World) -> None:
    assert world.send("once") == 202
    until(lambda: world.deliveries("once"))
    (came,) = world.deliveries("once")
    assert (came["path"], came["event"]["type"], came["answered"]) == ("/", "test.plain", 202)


def test_a_503_is_repeated_after_growing_waits(world: World) -> None:
    world.send("again", answers="503.503.503.202")
    until(lambda: len(world.deliveries("again")) == 4, seconds=30, why="the fourth delivery")
    times = [one["at"] for one in world.deliveries("again")]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert 0.3 < waits[0] < waits[1] < waits[2] < 5, waits


def test_what_goes_on_failing_is_parked_with_its_error(world: World) -> None:
    world.send("failed", "failing", answers="503")
    letters = until(lambda: world.deliveries("failed", "/dead"), seconds=30, why="the dead letter")
    assert len(world.deliveries("failed", "/failing")) == MAX_DELIVERIES
    error = {name: value for name, value in letters[0]["event"].items() if name.startswith("knativeerror")}
    assert error.pop("knativeerrordest").endswith("/failing")
    assert error.pop("knativeerrorcode") == "503"


@pytest.mark.parametrize("status", [400, 404, 409])
def test_what_is_refused_is_neither_repeated_nor_parked(world: World, status: int) -> None:
    refused = f"refused-{status}"
    world.send(refused, answers=f"{status}.202")
    until(lambda: world.deliveries(refused))
    time.sleep(2)  # a repetition would come in 0.4 s
    assert [(one["path"], one["answered"]) for one in world.deliveries(refused)] == [("/", status)]


def test_what_is_sent_twice_within_two_minutes_is_delivered_once(world: World) -> None:
    assert [world.send("twice"), world.send("twice")] == [202, 202]
    until(lambda: world.deliveries("twice"))
    time.sleep(1)
    assert len(world.deliveries("twice")) == 1


def test_a_reply_comes_back_through_the_broker(world: World) -> None:
    world.send("asked", reply="test.answered")
    (answer,) = until(lambda: world.deliveries("asked-reply", "/replies"), why="the reply")
    assert (answer["event"]["source"], answer["event"]["type"]) == ("/subscriber", "test.answered")


@pytest.mark.parametrize("part", PARTS)
def test_what_waits_is_delivered_after_a_restart(world: World, part: str) -> None:
    sent = [f"{part}-{number}" for number in range(10)]
    world.set_mode("closed")
    for identity in sent:  # the restart before this one may still be felt: a publisher tries again
        until(lambda: world.is_sent(identity), seconds=90, why=f"the broker to take {identity}")  # noqa: B023 - at once
    until(lambda: all(world.deliveries(identity) for identity in sent), why="the first refusals")
    restart(world.api, part)
    world.set_mode("open")
    for identity in sent:
        until(lambda: _is_taken(world, identity), seconds=120, why=identity)  # noqa: B023 - at once


def _is_taken(world: World, identity: str) -> bool:
    return any(one["answered"] == 202 and one["path"] == "/" for one in world.deliveries(identity))
