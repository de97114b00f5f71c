"""Reports are sent again after a failure."""

import threading
from collections.abc import Iterable

from functions.common.events.base import Cause
from functions.common.events.release import WorkloadChanged
from functions.local.reports import Report, send_reports
from tests.fakes.event_sink import FakeEventSink

EVENT = WorkloadChanged(app="hello", environment="production", release=1, phase="starting")


class _Reports:
    """One report, behind a table that is missing at first."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop, self._tries = stop, 0

    def waiting(self) -> Iterable[Report]:
        self._tries += 1
        if self._tries == 1:
            msg = 'relation "platform.reports" does not exist'
            raise LookupError(msg)
        return [Report(key="1", cause=Cause(function="rollouts", source="/test", id="1"), event=EVENT)]

    def sent(self, key: str) -> None:
        assert key == "1"
        self._stop.set()


def test_a_missing_table_does_not_end_the_reports() -> None:
    stop, sink = threading.Event(), FakeEventSink()

    send_reports(_Reports(stop), sink, stop)

    assert [envelope.type for envelope in sink.sent] == [WorkloadChanged.type]
