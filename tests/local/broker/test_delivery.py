"""Delivery as Knative's broker does it."""

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.broker.services import NO_REPLY, Received, Reply, always
from tests.local.broker.world import World
from tests.local.project import ping, service, trigger
from tests.patience import patient

MANIFESTS = (
    service("first")
    + service("second")
    + service("park")
    + trigger("first-asked", "first", type="test.asked.v1")
    + trigger("second-answered", "second", type="test.answered.v1")
    + trigger("second-of-shop", "second", slipwayapp="shop")
)


def test_an_event_reaches_the_trigger_of_its_type_with_all_it_carries(tmp_path: Path) -> None:
    with World(
        tmp_path, MANIFESTS, {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        assert world.send("test.asked.v1", "1", {"n": 1}, slipwayapp="web", note="caf%C3%A9%20%25") == 202
        world.wait(lambda: world.services["first"].ids() == ["1"])
        received = world.services["first"].received[0]

        assert received.event["data"] == {"n": 1}
        assert received.event["note"] == "café %"
        assert received.event["source"] == "/test"
        assert received.event["datacontenttype"] == "application/json"
        assert received.headers["content-type"] == "application/cloudevents+json"
        assert received.headers["prefer"] == "reply"
        assert world.services["second"].received == []


def test_a_structured_event_arrives_as_it_was_sent(tmp_path: Path) -> None:
    with World(
        tmp_path, MANIFESTS, {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        fields = {"specversion": "1.0", "id": "1", "source": "/a b", "type": "test.asked.v1", "data": {"ä": [1, None]}}
        headers = {"content-type": "application/cloudevents+json"}
        assert world.request("POST", "/", headers, json.dumps(fields).encode()) == (202, "")
        world.wait(lambda: world.services["first"].ids() == ["1"])

        assert world.services["first"].received[0].event == fields


def test_extensions_route_and_a_reply_goes_back_into_the_broker(tmp_path: Path) -> None:
    def answer(_: Received) -> Reply:
        reply = {"specversion": "1.0", "id": "r", "source": "/first", "type": "test.answered.v1", "slipwayapp": "blog"}
        return 200, {"content-type": "application/cloudevents+json"}, json.dumps(reply).encode()

    with World(
        tmp_path, MANIFESTS, {"first": answer, "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        world.send("test.asked.v1", "1")
        world.send("test.other.v1", "2", slipwayapp="shop")
        world.wait(lambda: sorted(world.services["second"].ids()) == ["2", "r"])

        assert world.services["park"].received == []


def test_a_failure_is_retried_with_growing_waits_then_parked_with_its_error(tmp_path: Path) -> None:
    with World(
        tmp_path,
        MANIFESTS,
        {"first": always((503, {}, b"down" * 1000)), "second": always(NO_REPLY), "park": always(NO_REPLY)},
    ).running() as world:
        world.send("test.asked.v1", "1", {"n": 1})
        world.wait(lambda: len(world.services["park"].received) == 1)
        calls = [event.at for event in world.services["first"].received]
        letter = world.services["park"].received[0]

        waits = [b - a for a, b in itertools.pairwise(calls)]
        assert len(calls) == 5
        assert all(wait >= wanted for wait, wanted in zip(waits, (0.1, 0.2, 0.4, 0.8), strict=True))
        assert waits[3] < patient(1.5)
        assert letter.id == "1"
        assert letter.event["data"] == {"n": 1}
        assert letter.event["knativeerrorcode"] == "503"
        assert "first" in letter.event["knativeerrordest"]
        assert len(letter.event["knativeerrordata"]) == 1024
        assert base64.b64decode(letter.event["knativeerrordata"]).startswith(b"downdown")


@pytest.mark.parametrize(
    ("reply", "calls", "code"),
    [
        ((400, {}, b"bad"), 1, "400"),
        ((302, {"location": "/"}, b""), 1, "302"),
        ((404, {}, b""), 5, "404"),
        ((429, {}, b""), 5, "429"),
        ((200, {"content-type": "text/html"}, b"OK"), 5, "502"),
    ],
)
def test_each_answer_means_what_it_means_to_knative(tmp_path: Path, reply: Reply, calls: int, code: str) -> None:
    with World(
        tmp_path, MANIFESTS, {"first": always(reply), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        world.send("test.asked.v1", "1")
        world.wait(lambda: len(world.services["park"].received) == 1)

        assert len(world.services["first"].received) == calls
        assert world.services["park"].received[0].event["knativeerrorcode"] == code


def test_a_dead_letter_waits_for_its_sink_however_long_that_is_down(tmp_path: Path) -> None:
    answers: Iterator[Reply] = iter([(503, {}, b"")] * 3)
    with World(
        tmp_path,
        MANIFESTS,
        {
            "first": always((400, {}, b"no")),
            "second": always(NO_REPLY),
            "park": lambda _: next(answers, NO_REPLY),
        },
    ).running() as world:
        world.send("test.asked.v1", "1")
        world.wait(lambda: len(world.services["park"].received) == 4)

        assert len(world.services["first"].received) == 1


def test_an_event_that_goes_in_a_circle_ends(tmp_path: Path) -> None:
    def circle(event: Received) -> Reply:
        headers = {"ce-specversion": "1.0", "ce-source": "/first", "ce-type": "test.asked.v1"}
        return 200, {**headers, "ce-id": str(int(event.id) + 1)}, b""

    with World(
        tmp_path, MANIFESTS, {"first": circle, "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        world.send("test.asked.v1", "1")
        world.wait(lambda: len(world.services["park"].received) == 1)

        assert world.services["park"].received[0].event["knativeerrorcode"] == "400"
        assert len(world.services["first"].received) == 255


def test_the_clock_ticks_for_its_sink_alone(tmp_path: Path) -> None:
    manifests = service("first") + service("park") + trigger("everything", "park") + ping("minute", "first")
    with World(tmp_path, manifests, {"first": always(NO_REPLY), "park": always(NO_REPLY)}, clock="0.2").running() as w:
        w.wait(lambda: len(w.services["first"].received) >= 3)
        tick = w.services["first"].received[0]

        assert tick.event["type"] == "dev.knative.sources.ping"
        assert tick.event["source"] == "/apis/v1/namespaces/slipway/pingsources/minute"
        assert w.services["park"].received == []


def test_connections_to_functions_are_kept(tmp_path: Path) -> None:
    with World(
        tmp_path, MANIFESTS, {"first": always(NO_REPLY), "second": always(NO_REPLY), "park": always(NO_REPLY)}
    ).running() as world:
        for number in range(50):
            world.send("test.asked.v1", str(number))
        world.wait(lambda: len(world.services["first"].received) == 50)

        assert world.services["first"].connections <= 8
