"""knative/ is the routing table; what one machine cannot do is refused at start, naming file and field."""

from pathlib import Path

import pytest

from functions.common.errors import Rejected
from functions.local.manifests import read_routing, seconds
from functions.local.routing import Backoff, Delivery
from tests.conftest import ROOT
from tests.local.project import BROKER, ping, service, trigger, write_project

GOOD = service("first", concurrency=3, timeout=7) + service("park") + trigger("t", "first", type="a.v1", slipwayapp="x")
FILE = "knative/functions/all.yaml"


def test_the_products_own_manifests_are_understood() -> None:
    routing = read_routing(ROOT)

    assert routing.broker == "slipway"
    assert {service.name for service in routing.services} >= {"verify-webhook", "resolve-app", "park-event"}
    assert routing.sinks == ("park-event",)
    assert [ping.service for ping in routing.pings] == ["reconcile"]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    routing = read_routing(write_project(tmp_path, GOOD + ping("minute", "first")))
    (only,) = routing.triggers
    first = routing.service("first")

    assert (first.source, first.target, first.concurrency, first.timeout) == ("sources/first_source.py", "target", 3, 7)
    assert only.attributes == {"type": "a.v1", "slipwayapp": "x"}
    assert only.delivery == Delivery(retry=4, policy=Backoff.EXPONENTIAL, delay=0.1, sink="park")
    assert only.matches({"type": "a.v1", "slipwayapp": "x", "other": "y"})
    assert not only.matches({"type": "a.v1"})
    assert (routing.pings[0].namespace, routing.pings[0].schedule) == ("slipway", "* * * * *")


def test_a_trigger_may_have_a_delivery_of_its_own(tmp_path: Path) -> None:
    own = GOOD.rstrip() + (
        "\n  delivery: {retry: 2, backoffPolicy: linear, backoffDelay: PT1M, timeout: PT1H, deadLetterSink: "
        "{ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: first}}}\n"
    )
    (only,) = read_routing(write_project(tmp_path, own)).triggers

    assert only.delivery == Delivery(retry=2, policy=Backoff.LINEAR, delay=60, timeout=3600, sink="first")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("filter: {attributes:", "filters: {attributes:", ("Trigger t: spec.filters", "is not supported")),
        ("filter: {attributes:", "filter: {cesql:", ("spec.filter.cesql", "is not supported")),
        ("broker: slipway", "broker: other", ("spec.broker", "must be slipway")),
        ("kind: Service, name: first}", "kind: Channel, name: first}", ("spec.subscriber.ref.kind", "must be")),
        ("name: first}\n", "name: nobody}\n", ("there is no Service nobody",)),
        ("sources/first_source.py", "sources/gone.py", ("FUNCTION_SOURCE sources/gone.py does not exist",)),
        ("FUNCTION_TARGET", "TARGET", ("FUNCTION_TARGET is missing",)),
        ("containerConcurrency: 3", "containerConcurrency: many", ("containerConcurrency", "whole number")),
        ("value: target", "valueFrom: {}", ("env[1].valueFrom", "is not supported")),
        ("kind: Trigger", "kind: Sequence", ("Sequence is not supported",)),
        ("name: t,", "name: t, labels: [", ("cannot be read",)),
        ("name: park,", "name: first,", ("name first is there twice",)),
        ("name: park,", "name: postgres,", ("name postgres is reserved",)),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    write_project(tmp_path, GOOD)
    file = tmp_path / FILE
    text = file.read_text()
    assert old in text
    file.write_text(new.join(text.rsplit(old, 1)))

    with pytest.raises(Rejected) as refused:
        read_routing(tmp_path)
    for word in ("knative/functions", *words):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        ("{retry: 1}", ("spec.delivery.backoffPolicy", "replaces the Broker's as a whole")),
        ("{retry: 1, backoffPolicy: random, backoffDelay: PT1S}", ("spec.delivery.backoffPolicy", "'random'")),
        ("{retry: 1, backoffPolicy: linear, backoffDelay: 1s}", ("spec.delivery.backoffDelay", "'1s'")),
        ("{retry: -1, backoffPolicy: linear, backoffDelay: PT1S}", ("spec.delivery.retry",)),
        ("{retry: 1, backoffPolicy: linear, backoffDelay: PT1S, format: binary}", ("spec.delivery.format",)),
        ("{retry: 1, backoffPolicy: linear, backoffDelay: PT1S, retryAfterMax: PT9S}", ("retryAfterMax",)),
    ],
)
def test_a_delivery_that_is_not_understood_is_refused(tmp_path: Path, delivery: str, words: tuple[str, ...]) -> None:
    write_project(tmp_path, GOOD.rstrip() + f"\n  delivery: {delivery}\n")

    with pytest.raises(Rejected) as refused:
        read_routing(tmp_path)
    for word in (f"{FILE}: Trigger t: ", *words):
        assert word in str(refused.value)


def test_a_schedule_that_is_none_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path, GOOD + ping("minute", "first").replace("* * * * *", "@hourly"))

    with pytest.raises(Rejected, match=r"all.yaml: PingSource minute: spec.schedule: .*five fields"):
        read_routing(tmp_path)


def test_a_broker_without_a_dead_letter_sink_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path, GOOD, broker=BROKER.partition("    deadLetterSink")[0])

    with pytest.raises(Rejected, match=r"broker.yaml: Broker slipway: spec.delivery.deadLetterSink: is missing"):
        read_routing(tmp_path)


@pytest.mark.parametrize(
    ("text", "length"), [("PT0.25S", 0.25), ("PT1M30S", 90), ("PT2H", 7200), ("P1DT1S", 86_401), ("PT0S", 0)]
)
def test_durations(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "1s", "PT1", "P1M", "-PT1S", "PT1S "])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Rejected, match="no ISO-8601 duration"):
        seconds(text)


def test_the_waits_are_those_of_knatives_dispatcher() -> None:
    linear = Delivery(retry=3, policy=Backoff.LINEAR, delay=1, sink="s")
    exponential = Delivery(retry=3, policy=Backoff.EXPONENTIAL, delay=0.2, sink="s")

    assert [linear.wait(n) for n in (1, 2, 3)] == [0, 1, 2]
    assert [exponential.wait(n) for n in (1, 2, 3)] == [0.2, 0.4, 0.8]
