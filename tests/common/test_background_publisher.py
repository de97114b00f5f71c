"""Stored events are sent soon, in lots, and what cannot be sent is left to reconcile."""

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
    """Takes events once it is opened, but not those named in `refused`; the first lot may raise."""

    refused: frozenset[str] = frozenset()
    bug: Exception | None = None
    asked: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    lots: list[list[str]] = field(default_factory=list)

    def resend_all(self, envelopes: Sequence[Envelope]) -> list[SlipwayError | None]:
        self.asked.set()
        self.opened.wait(patient(5))
        self.lots.append([envelope.id for envelope in envelopes])
        bug, self.bug = self.bug, None
        if bug:
            raise bug
        return [Unavailable("refused") if one.id in self.refused else None for one in envelopes]


@dataclass
class _Marks:
    marked: list[str] = field(default_factory=list)

    def mark_published(self, event_id: str) -> None:
        self.marked.append(event_id)


def test_what_gathers_is_one_lot_and_what_was_taken_is_marked() -> None:
    broker, marks = _Broker(refused=frozenset({"e-3"})), _Marks()
    publisher = BackgroundPublisher(sink=broker, marks=marks)
    for number in range(10):
        publisher.publish_soon(an_event(f"e-{number}"))
    assert not publisher.drain(0.01)
    broker.opened.set()

    assert publisher.drain(5)
    assert [event for lot in broker.lots for event in lot] == [f"e-{number}" for number in range(10)]
    assert len(broker.lots) <= 2
    assert marks.marked == [f"e-{number}" for number in range(10) if number != 3]


def test_a_bug_ends_no_publishing() -> None:
    broker, marks = _Broker(bug=RuntimeError("a bug")), _Marks()
    broker.opened.set()
    publisher = BackgroundPublisher(sink=broker, marks=marks)
    publisher.publish_soon(an_event("e-1"))
    assert publisher.drain(5)
    publisher.publish_soon(an_event("e-2"))

    assert publisher.drain(5)
    assert marks.marked == ["e-2"]


def test_a_broker_that_hangs_holds_callers_up_but_not_for_long() -> None:
    broker, marks = _Broker(), _Marks()
    publisher = BackgroundPublisher(sink=broker, marks=marks, patience_seconds=0.01)
    publisher.publish_soon(an_event("first"))
    assert broker.asked.wait(patient(5))
    for number in range(MAX_WAITING + 3):
        publisher.publish_soon(an_event(f"e-{number}"))
    broker.opened.set()

    assert publisher.drain(5)
    assert marks.marked == ["first", *(f"e-{number}" for number in range(MAX_WAITING))]
