"""What is not a CloudEvent 1.0 is rejected; what is one is read whole, in both HTTP forms."""

import json
from typing import Any

import pytest

from functions.common.errors import Rejected
from functions.common.events.envelope import CONTENT_TYPE
from functions.common.runtime.cloudevent import CloudEvent, read_envelope, read_event
from tests.attacks.events import ACCEPTED, GOOD, REJECTED, TWICE, Case
from tests.conftest import SHARED

VECTORS = SHARED / "fixtures" / "cloudevents" / "conformance"
JSON = {"content-type": CONTENT_TYPE}.items()


def structured(event: object) -> bytes:
    return json.dumps(event).encode()


@pytest.mark.parametrize("case", [*REJECTED, *TWICE], ids=lambda case: case.name)
def test_what_is_no_event_is_rejected_in_a_short_text(case: Case) -> None:
    with pytest.raises(Rejected) as caught:
        read_event(case.headers, case.body)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_an_accepted_event_can_be_delivered(case: Case) -> None:
    """The broker delivers in the structured form, whichever it got."""
    read = read_event(case.headers, case.body)

    again = read_event(JSON, read.structured())

    assert again == read
    assert read_envelope(JSON, read.structured()) == read_envelope(case.headers, case.body)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_an_accepted_event_can_be_kept_as_a_dead_letter(case: Case) -> None:
    ends = {"knativeerrordest": "http://x", "knativeerrorcode": "500", "knativeerrordata": "eA=="}
    letter = read_event(case.headers, case.body).with_extensions(ends)

    envelope = read_envelope(JSON, letter.structured())

    assert "\\u0000" not in envelope.to_json()  # PostgreSQL would not store it
    assert {name: envelope.extensions[name] for name in ends} == ends


def test_both_forms_read_the_same() -> None:
    whole = {**GOOD, "subject": "hello/production", "time": "2026-01-02T03:04:05.123456789Z", "slipwayapp": "hello"}
    binary = {f"ce-{name}": value for name, value in whole.items()} | {"content-type": "application/json"}
    one = read_envelope(JSON, structured({**whole, "data": {"a": "é"}}))
    two = read_envelope(binary.items(), structured({"a": "é"}))
    assert one == two
    assert (one.data, one.extensions["slipwayapp"]) == ({"a": "é"}, "hello")


def test_a_trace_context_that_a_broker_left_empty_is_none() -> None:
    """As jetstream-ch-dispatcher 1.21 sends every event."""
    whole = {**GOOD, "time": "2026-01-02T03:04:05Z", "traceparent": "", "tracestate": ""}
    binary = {f"ce-{name}": value for name, value in whole.items()} | {"content-type": "application/json"}
    one = read_envelope(JSON, structured({**whole, "data": {}}))
    assert one == read_envelope(binary.items(), b"{}")
    assert not one.extensions


@pytest.mark.parametrize(
    ("given", "text"),
    [(True, "true"), (False, "false"), (0, "0"), (-(2**31), "-2147483648"), ("True", "True")],
)
def test_an_extension_has_the_text_that_a_header_would_have(given: object, text: str) -> None:
    assert read_envelope(JSON, structured({**GOOD, "extension": given})).extensions == {"extension": text}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("caf%C3%A9%20%25", "café %"),
        ("%2541", "%41"),  # decoded once
        ('"a \\"b\\" \\\\"', 'a "b" \\'),
        ('a "b"', 'a "b"'),
        ("a+b", "a+b"),
    ],
)
def test_a_header_is_decoded_once(header: str, value: str) -> None:
    headers = {f"ce-{name}": text for name, text in {**GOOD, "subject": header}.items()}
    assert read_envelope(headers.items(), b"").subject == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\u0000b"', "a\ufffdb"),
        ('"a\\\\u0000b"', "a\\u0000b"),  # a backslash and five characters
        ('"\\\\\\u0000"', "\\\ufffd"),
        ('"\\u0000\\u0000"', "\ufffd\ufffd"),
        ("null", {}),
    ],
)
def test_data_is_what_postgresql_stores(text: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    body = structured(GOOD)[:-1] + f',"data":{text}}}'.encode()
    assert read_envelope(JSON, body).data == value


def test_json_data_keeps_its_bytes() -> None:
    data = b'{"price": 1.10, "n": 12345678901234567890123}'
    event = CloudEvent(attributes=GOOD, data=data)
    assert event.structured().endswith(b',"data":' + data + b"}")


@pytest.mark.skipif(not VECTORS.exists(), reason="the conformance vectors are not beside this checkout")
def test_every_conformance_vector_is_judged_as_the_specification_does() -> None:
    def tests_of(kind: str) -> list[dict[str, Any]]:
        text = (VECTORS / f"format-json-{kind}-events.json").read_text(encoding="utf-8-sig")
        found: list[dict[str, Any]] = json.loads(text)["tests"]
        return found

    accepted = []
    for vector in tests_of("invalid"):
        try:
            read_event(JSON, structured(vector["event"]))
        except Rejected:
            continue
        accepted.append(vector["id"])
    assert accepted == []
    for vector in tests_of("valid"):
        read = read_envelope(JSON, structured(vector["event"]))
        assert read.id == vector["event"]["id"]
