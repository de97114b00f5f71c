"""What the broker takes, and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.local.broker.services import NO_REPLY, always
from tests.local.broker.world import World
from tests.local.project import service, trigger

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
VECTORS = SHARED / "fixtures/cloudevents/conformance/format-json-invalid-events.json"
GOOD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
BAD = [
    {},
    {**GOOD, "specversion": "0.3"},
    {**GOOD, "id": ""},
    {**GOOD, "id": 25},
    {**GOOD, "type": ""},
    {**GOOD, "source": None},
    {**GOOD, "time": "lunchtime"},
    {**GOOD, "time": "2018-04-05T18:31:00+25:00"},
    {**GOOD, "datacontenttype": "xyz"},
    {**GOOD, "subject": ""},
    {**GOOD, "MyExtension": "x"},
    {**GOOD, "ext": 1.5},
    {**GOOD, "ext": {"a": "b"}},
    {**GOOD, "data": "a", "data_base64": "YQ=="},
    {**GOOD, "data_base64": "!"},
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    manifests = service("sink") + service("park") + trigger("all", "sink")
    folder = tmp_path_factory.mktemp("ingress")
    with World(folder, manifests, {"sink": always(NO_REPLY), "park": always(NO_REPLY)}).running() as running:
        yield running
        refused = {event.id for event in running.services["sink"].received} - {"accepted"}
        assert not refused, "what is refused goes nowhere"


@pytest.mark.parametrize("event", BAD, ids=json.dumps)
def test_what_is_no_event_is_refused_with_a_reason(world: World, event: dict[str, object]) -> None:
    status, text = world.request("POST", "/", STRUCTURED, json.dumps(event).encode())

    assert status == 400
    assert text.strip()


@pytest.mark.skipif(not VECTORS.exists(), reason="the specification's vectors are not on this machine")
def test_every_must_fail_vector_is_refused(world: World) -> None:
    for vector in json.loads(VECTORS.read_text())["tests"]:
        status, _ = world.request("POST", "/", STRUCTURED, json.dumps(vector["event"]).encode())
        assert status == 400, vector["id"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (BINARY | {"ce-id": "accepted"}, 202),
        (BINARY | {"ce-id": ""}, 400),
        ({name: value for name, value in BINARY.items() if name != "ce-type"}, 400),
        (BINARY | {"ce-specversion": "2.0"}, 400),
        (BINARY | {"ce-my-ext": "x"}, 400),
        ({"content-type": "application/json"}, 400),
        ({"content-type": "application/cloudevents-batch+json"}, 400),
    ],
)
def test_the_binary_mode(world: World, headers: dict[str, str], status: int) -> None:
    assert world.request("POST", "/", headers, b"[]")[0] == status


def test_methods_paths_and_sizes(world: World) -> None:
    assert world.request("GET")[0] == 405
    assert world.request("OPTIONS")[0] == 200
    assert world.request("POST", "/other", BINARY)[0] == 404
    assert world.request("POST", "/", BINARY | {"ce-id": "big"}, b"x" * (8 * 1024 * 1024))[0] == 413
    assert world.request("GET", "/healthz")[0] == 200


def test_a_type_of_odd_characters_is_delivered(tmp_path: Path) -> None:
    odd = "..a b.*.>.ü."
    manifests = service("sink") + service("park") + trigger("odd", "sink", type=f'"{odd}"')
    with World(tmp_path, manifests, {"sink": always(NO_REPLY), "park": always(NO_REPLY)}).running() as world:
        body = json.dumps({**GOOD, "type": odd}).encode()
        assert world.request("POST", "/", STRUCTURED, body)[0] == 202
        world.wait(lambda: len(world.services["sink"].received) == 1)
