"""PublishMarker writes marks in few statements, and goes on after an outage of the store."""

import threading
from collections.abc import Sequence

from functions.common.adapters.broker.publisher import PublishMarker
from functions.common.errors import Unavailable


class _Store:
    """Counts statements, and raises the given errors first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.marked: list[str] = []
        self.statements = 0
        self.changed = threading.Condition()

    def mark_all(self, event_ids: Sequence[str]) -> None:
        with self.changed:
            self.statements += 1
            self.changed.notify_all()
            if self.failures:
                raise self.failures.pop(0)
            self.marked += event_ids

    def wait_for(self, *, statements: int = 0, marked: int = 0) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.statements >= statements and len(self.marked) >= marked, 5)


def test_many_marks_are_written_in_few_statements() -> None:
    store = _Store()
    marker = PublishMarker(store=store)
    for number in range(100):
        marker.mark_published(f"e-{number}")

    assert store.wait_for(marked=100)
    assert store.marked == [f"e-{number}" for number in range(100)]
    assert store.statements <= 3


def test_marking_goes_on_after_an_outage_and_after_a_bug() -> None:
    store = _Store(Unavailable("down"), RuntimeError("a bug"))
    marker = PublishMarker(store=store)
    for statements in (1, 2, 3):
        marker.mark_published(f"e-{statements}")
        assert store.wait_for(statements=statements)

    assert store.wait_for(marked=1)
    assert store.marked == ["e-3"]
