"""What the broker takes, and what it refuses."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.runtime.cloudevent import read_event
from tests.attacks.events import ACCEPTED, BINARY, GOOD, REJECTED, STRUCTURED, TWICE, Case
from tests.attacks.wire import case_request, send
from tests.conftest import SHARED
from tests.local.broker.services import NO_REPLY, always
from tests.local.broker.world import World
from tests.local.project import service, trigger
from tests.patience import patient

ENDED = {
    "knativeerrordest": "http://bad/",
    "knativeerrorcode": "400",
    "knativeerrordata": base64.b64encode(b"no").decode(),
}
VECTORS = SHARED / "fixtures/cloudevents/conformance/format-json-invalid-events.json"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    manifests = service("sink") + service("park") + trigger("all", "sink")
    folder = tmp_path_factory.mktemp("ingress")
    with World(folder, manifests, {"sink": always(NO_REPLY), "park": always(NO_REPLY)}).running() as running:
        yield running
        assert running.services["sink"].received == [], "what is refused goes nowhere"


@pytest.mark.parametrize("case", [*REJECTED, *TWICE], ids=lambda case: case.name)
def test_what_is_no_event_is_refused(world: World, case: Case) -> None:
    assert send(world.port, case_request(case), within=patient(5)).statuses == (400,)


@pytest.mark.skipif(not VECTORS.exists(), reason="the specification's vectors are not on this machine")
def test_every_must_fail_vector_is_refused(world: World) -> None:
    for vector in json.loads(VECTORS.read_text())["tests"]:
        body = json.dumps(vector["event"]).encode()
        assert world.request("POST", "/", STRUCTURED, body)[0] == 400, vector["id"]


def test_every_accepted_event_is_delivered_and_kept_as_a_dead_letter(tmp_path: Path) -> None:
    """As it came in, in the structured form, whichever it had."""
    manifests = service("good") + service("bad") + service("park") + trigger("to-good", "good") + trigger("b", "bad")
    responders = {"good": always(NO_REPLY), "bad": always((400, {}, b"no")), "park": always(NO_REPLY)}
    with World(tmp_path, manifests, responders).running() as world:
        good, park = world.services["good"].received, world.services["park"].received
        for number, case in enumerate(ACCEPTED, 1):
            assert send(world.port, case_request(case), within=patient(5)).statuses == (202,), case.name
            world.wait(lambda number=number: len(good) == len(park) == number)  # type: ignore[misc] # bound now
            sent = read_event(case.headers, case.body)

            assert read_event(STRUCTURED.items(), good[-1].body) == sent, case.name
            assert read_event(STRUCTURED.items(), park[-1].body) == sent.with_extensions(ENDED), case.name


def test_methods_paths_and_sizes(world: World) -> None:
    assert world.request("GET")[0] == 405
    assert world.request("OPTIONS")[0] == 200
    assert world.request("POST", "/other", BINARY)[0] == 404
    assert world.request("POST", "/", BINARY, b"1" * (8 * 1024 * 1024))[0] == 413
    assert world.request("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("odd", ["..a b.*.>.ü.", "x" * 1024, "a." * 200 + "b", "ü" * 400])
def test_a_type_that_is_no_subject_of_nats_is_delivered(tmp_path: Path, odd: str) -> None:
    manifests = service("sink") + service("park") + trigger("odd", "sink", type=json.dumps(odd))
    with World(tmp_path, manifests, {"sink": always(NO_REPLY), "park": always(NO_REPLY)}).running() as world:
        for event_type in (odd, f"{odd[:-1]}Y", odd):
            body = json.dumps({**GOOD, "type": event_type}).encode()
            assert world.request("POST", "/", STRUCTURED, body)[0] == 202
        world.wait(lambda: len(world.services["sink"].received) == 2)
        assert {received.event["type"] for received in world.services["sink"].received} == {odd}


def test_a_broker_with_a_token_takes_events_that_have_it_and_sends_it_to_functions(tmp_path: Path) -> None:
    manifests = service("good") + service("park") + trigger("to-good", "good")
    responders = {"good": always(NO_REPLY), "park": always(NO_REPLY)}
    with World(tmp_path, manifests, responders, token="t0k").running() as world:
        for given in ({}, {"Authorization": ""}, {"Authorization": "Bearer t0k2"}, {"Authorization": "t0k"}):
            assert world.request("POST", "/", {**BINARY, **given}, b"{}")[0] == 401, given
        assert world.request("POST", "/", {**BINARY, "Authorization": "Bearer t0k"}, b"{}")[0] == 202

        world.wait(lambda: len(world.services["good"].received) == 1)
        (got,) = world.services["good"].received
        assert got.headers["authorization"] == "Bearer t0k"
        assert "t0k" not in got.body.decode() + world.log()
