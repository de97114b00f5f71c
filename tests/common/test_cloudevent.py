"""What is no CloudEvent 1.0 is refused; what is one is read whole, in both HTTP forms."""

import json
from typing import Any

import pytest

from functions.common.errors import Rejected
from functions.common.events.envelope import CONTENT_TYPE
from functions.common.runtime.cloudevent import read_cloudevent
from tests.conftest import SHARED

VECTORS = SHARED / "fixtures" / "cloudevents" / "conformance"
MINIMAL = {"specversion": "1.0", "id": "1", "source": "/tests", "type": "dev.test"}

WRONG: dict[str, dict[str, Any]] = {
    "no specversion": {"specversion": None},
    "another specversion": {"specversion": "0.3"},
    "no id": {"id": None},
    "empty id": {"id": ""},
    "numeric id": {"id": 7},
    "object id": {"id": {}},
    "no source": {"source": None},
    "empty type": {"type": ""},
    "empty subject": {"subject": ""},
    "time without seconds": {"time": "2018-04-05T18:31Z"},
    "time out of range": {"time": "2018-04-05T18:31:00+25:00"},
    "time in words": {"time": "lunchtime"},
    "content type without subtype": {"datacontenttype": "xyz"},
    "capitals in a name": {"MyExtension": "bad"},
    "a dot in a name": {"my.extension": "bad"},
    "a fraction": {"extension": 1.5},
    "both kinds of data": {"data": {}, "data_base64": "e30="},
}


def structured(event: Any) -> bytes:  # noqa: ANN401 - wrong on purpose
    return json.dumps(event).encode()


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_structured_event_is_refused(change: dict[str, Any]) -> None:
    event = {name: value for name, value in {**MINIMAL, **change}.items() if value is not None}
    with pytest.raises(Rejected):
        read_cloudevent({"content-type": CONTENT_TYPE}, structured(event))


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        read_cloudevent({"content-type": CONTENT_TYPE}, body)


def test_a_batch_is_refused() -> None:
    with pytest.raises(Rejected, match="batch"):
        read_cloudevent({"content-type": "application/cloudevents-batch+json"}, structured([MINIMAL]))


def test_a_binary_event_without_an_id_is_refused() -> None:
    headers = {"content-type": "application/json", "ce-specversion": "1.0", "ce-source": "/tests", "ce-type": "t"}
    with pytest.raises(Rejected):
        read_cloudevent(headers, b"{}")


def test_both_forms_read_the_same() -> None:
    whole = {**MINIMAL, "subject": "hello/production", "time": "2026-01-02T03:04:05.123456789Z", "slipwayapp": "hello"}
    binary = {f"ce-{name}": value for name, value in whole.items()} | {"content-type": "application/json"}
    one = read_cloudevent({"content-type": CONTENT_TYPE}, structured({**whole, "data": {"a": "é"}}))
    two = read_cloudevent(binary, structured({"a": "é"}))
    assert one == two
    assert (one.data, one.extensions["slipwayapp"]) == ({"a": "é"}, "hello")


def test_a_trace_context_that_a_broker_left_empty_is_none() -> None:
    """As jetstream-ch-dispatcher 1.21 sends every event."""
    whole = {**MINIMAL, "time": "2026-01-02T03:04:05Z", "traceparent": "", "tracestate": ""}
    binary = {f"ce-{name}": value for name, value in whole.items()} | {"content-type": "application/json"}
    one = read_cloudevent({"content-type": CONTENT_TYPE}, structured({**whole, "data": {}}))
    assert one == read_cloudevent(binary, b"{}")
    assert not one.extensions


@pytest.mark.skipif(not VECTORS.exists(), reason="the conformance vectors are not beside this checkout")
def test_every_conformance_vector_is_judged_as_the_specification_does() -> None:
    def tests_of(kind: str) -> list[dict[str, Any]]:
        text = (VECTORS / f"format-json-{kind}-events.json").read_text(encoding="utf-8-sig")
        found: list[dict[str, Any]] = json.loads(text)["tests"]
        return found

    accepted = []
    for vector in tests_of("invalid"):
        try:
            read_cloudevent({"content-type": CONTENT_TYPE}, structured(vector["event"]))
        except Rejected:
            continue
        accepted.append(vector["id"])
    assert accepted == []
    for vector in tests_of("valid"):
        read = read_cloudevent({"content-type": CONTENT_TYPE}, structured(vector["event"]))
        assert read.id == vector["event"]["id"]
