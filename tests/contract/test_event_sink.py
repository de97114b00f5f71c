"""EventSink: the fake and the broker's client fulfil the same contract."""

from collections.abc import Iterator

import pytest

from functions.common.adapters.broker.sink import BrokerSink
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from tests.contract.event_sink import EventSinkContract, SinkWorld
from tests.fakes.clock import FakeClock
from tests.fakes.event_sink import FakeEventSink
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker


class _FakeWorld:
    def __init__(self, log: PostgresEventLog) -> None:
        self.log = log
        self.sink = FakeEventSink(log=log)

    def got(self) -> list[str]:
        return [envelope.id for envelope in self.sink.sent]

    def down(self, *, is_down: bool) -> None:
        self.sink.down = is_down


class _BrokerWorld:
    def __init__(self, log: PostgresEventLog, broker: LoopbackBroker) -> None:
        self.log, self._broker = log, broker
        self.sink = BrokerSink(url=broker.url, log=log, clock=FakeClock(), token=str)

    def got(self) -> list[str]:
        return [event["id"] for event in self._broker.events]

    def down(self, *, is_down: bool) -> None:
        self._broker.status = 503 if is_down else 202


@pytest.fixture
def log(database: str) -> Iterator[PostgresEventLog]:
    connected = Postgres(database)
    yield PostgresEventLog(database=connected)
    connected.close()


class TestFake(EventSinkContract):
    """In memory."""

    @pytest.fixture
    def world(self, log: PostgresEventLog) -> SinkWorld:
        """Return a sink that has sent nothing."""
        return _FakeWorld(log)


class TestBroker(EventSinkContract):
    """Over HTTP."""

    @pytest.fixture
    def world(self, log: PostgresEventLog) -> Iterator[SinkWorld]:
        """Return a sink that has sent nothing."""
        with loopback_broker() as broker:
            yield _BrokerWorld(log, broker)
