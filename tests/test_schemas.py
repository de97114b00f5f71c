"""The schemas are the classes'; every event has a hand-written example that goes through unchanged."""

import json
from pathlib import Path

import jsonschema
import pytest

from functions.common.events.base import Event
from tests.conftest import ROOT
from tests.event_types import all_events
from tests.schemas import drift, schema

EXAMPLES = ROOT / "schemas" / "examples"
EVENTS = pytest.mark.parametrize("event", all_events(), ids=lambda event: event.type)


def example(event: type[Event]) -> Path:
    return EXAMPLES / f"{event.type}.json"


def test_the_schemas_are_those_of_the_classes() -> None:
    assert drift() == []


@EVENTS
def test_the_example_round_trips(event: type[Event]) -> None:
    data = json.loads(example(event).read_text())
    assert event.model_validate(data).model_dump(mode="json") == data


@EVENTS
def test_the_example_obeys_the_schema(event: type[Event]) -> None:
    jsonschema.validate(json.loads(example(event).read_text()), json.loads(schema(event)))


def test_each_type_has_one_class() -> None:
    assert len({event.type for event in all_events()}) == len(all_events())


def test_no_example_is_left_over() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {f"{event.type}.json" for event in all_events()}
