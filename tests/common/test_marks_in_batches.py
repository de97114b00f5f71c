"""Marks come late, in few statements, and survive an outage of the store."""

import threading
from collections.abc import Sequence

from functions.common.adapters.broker.publisher import MarksInBatches
from functions.common.errors import Unavailable
from tests.patience import patient


class _Store:
    """Counts statements, and fails the first of them."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.marked: list[str] = []
        self.statements = 0
        self.moved = threading.Condition()

    def mark_all(self, event_ids: Sequence[str]) -> None:
        with self.moved:
            self.statements += 1
            self.moved.notify_all()
            if self.failures:
                raise self.failures.pop(0)
            self.marked += event_ids

    def wait_for(self, *, statements: int = 0, marked: int = 0) -> bool:
        with self.moved:
            return self.moved.wait_for(lambda: self.statements >= statements and len(self.marked) >= marked, patient(5))


def test_many_marks_are_few_statements() -> None:
    store = _Store()
    marks = MarksInBatches(inner=store)
    for number in range(100):
        marks.mark_published(f"e-{number}")

    assert store.wait_for(marked=100)
    assert store.marked == [f"e-{number}" for number in range(100)]
    assert store.statements <= 3


def test_an_outage_ends_no_marking() -> None:
    store = _Store(Unavailable("down"), RuntimeError("a bug"))
    marks = MarksInBatches(inner=store)
    for statements in (1, 2, 3):
        marks.mark_published(f"e-{statements}")
        assert store.wait_for(statements=statements)

    assert store.wait_for(marked=1)
    assert store.marked == ["e-3"]
