"""Stored events are sent soon, in batches; what cannot be sent is left to reconcile."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from functions.common.adapters.broker.publisher import MAX_WAITING, BackgroundPublisher
from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.envelope import Envelope
from tests.patience import patient


def an_event(identity: str) -> Envelope:
    return Envelope(id=identity, source="/s", type="t", subject="", time="2026-01-02T03:04:05+00:00", data={})


@dataclass
class _Broker:
    """Accepts events once it is opened, except those in `refused`; the first batch may raise."""

    refused: frozenset[str] = frozenset()
    bug: Exception | None = None
    asked: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        self.asked.set()
        self.opened.wait(patient(5))
        self.batches.append([envelope.id for envelope in envelopes])
        bug, self.bug = self.bug, None
        if bug:
            raise bug
        return [Unavailable("refused") if one.id in self.refused else None for one in envelopes]


@dataclass
class _Marker:
    marked: list[str] = field(default_factory=list)

    def mark_published(self, event_id: str) -> None:
        self.marked.append(event_id)


def test_events_that_wait_are_one_batch_and_accepted_ones_are_marked() -> None:
    broker, marker = _Broker(refused=frozenset({"e-3"})), _Marker()
    publisher = BackgroundPublisher(sink=broker, marker=marker)
    for number in range(10):
        publisher.publish_soon(an_event(f"e-{number}"))
    assert not publisher.drain(0.01)
    broker.opened.set()

    assert publisher.drain(5)
    assert [event for batch in broker.batches for event in batch] == [f"e-{number}" for number in range(10)]
    assert len(broker.batches) <= 2
    assert marker.marked == [f"e-{number}" for number in range(10) if number != 3]


def test_publishing_goes_on_after_a_bug() -> None:
    broker, marker = _Broker(bug=RuntimeError("a bug")), _Marker()
    broker.opened.set()
    publisher = BackgroundPublisher(sink=broker, marker=marker)
    publisher.publish_soon(an_event("e-1"))
    assert publisher.drain(5)
    publisher.publish_soon(an_event("e-2"))

    assert publisher.drain(5)
    assert marker.marked == ["e-2"]


def test_callers_wait_for_a_hanging_broker_only_for_a_limited_time() -> None:
    broker, marker = _Broker(), _Marker()
    publisher = BackgroundPublisher(sink=broker, marker=marker, wait_for_room_seconds=0.01)
    publisher.publish_soon(an_event("first"))
    assert broker.asked.wait(patient(5))
    for number in range(MAX_WAITING + 3):
        publisher.publish_soon(an_event(f"e-{number}"))
    broker.opened.set()

    assert publisher.drain(5)
    assert marker.marked == ["first", *(f"e-{number}" for number in range(MAX_WAITING))]
