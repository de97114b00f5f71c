"""Deliveries: the fake and PostgreSQL fulfil the same contract."""

from datetime import timedelta

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import GroupCommit, PostgresDeliveries
from functions.common.events.envelope import Envelope
from tests.contract.deliveries import AT_ONCE, NOWHERE, DeliveriesContract, DeliveryWorld, a_delivery
from tests.fakes.deliveries import FakeDeliveries


class _FakeWorld:
    def __init__(self) -> None:
        self.store = FakeDeliveries()

    def break_down(self) -> None:
        self.store.down = True


class _PostgresWorld:
    def __init__(self, url: str) -> None:
        self.store = PostgresDeliveries(database=Postgres(url))

    def break_down(self) -> None:
        self.store = PostgresDeliveries(database=Postgres(NOWHERE))


class TestFake(DeliveriesContract):
    """In memory."""

    @pytest.fixture
    def world(self) -> DeliveryWorld:
        """Return a new store."""
        return _FakeWorld()


class TestPostgres(DeliveriesContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> DeliveryWorld:
        """Return a store in a new database."""
        return _PostgresWorld(database)

    def test_deliveries_of_one_statement_are_stored_once_each(self, database: str) -> None:
        """Some repeat another of the statement, or a stored one; each gets its own result."""
        store = PostgresDeliveries(database=Postgres(database))
        old, new, other = (a_delivery(name) for name in ("old", "new", "other"))
        store.store(old)

        results = store.store_all([new, old, new, other])

        assert [one.event_id for one in results] == [one.event_id for one in (new, old, new, other)]
        assert [one.repeated for one in results] == [False, True, True, False]

    def test_claims_side_by_side_share_the_work(self, database: str) -> None:
        """A claim skips rows that another claim has locked."""
        mine, theirs = Postgres(database), Postgres(database)
        store, other = PostgresDeliveries(database=mine), PostgresDeliveries(database=theirs)
        events = [store.store(a_delivery(f"d-{number}")).event_id for number in range(5)]
        with mine.transaction():
            first = [envelope.id for envelope in store.claim(older_than=AT_ONCE, limit=2)]
            second = [envelope.id for envelope in other.claim(older_than=AT_ONCE, limit=9)]

        assert (first, second) == (events[:2], events[2:])


class _GroupedDeliveries(GroupCommit):
    """With the outbox of the same store."""

    def claim(self, *, older_than: timedelta, limit: int) -> tuple[Envelope, ...]:
        assert isinstance(self.inner, PostgresDeliveries)
        return self.inner.claim(older_than=older_than, limit=limit)

    def mark_published(self, event_id: str) -> None:
        assert isinstance(self.inner, PostgresDeliveries)
        self.inner.mark_published(event_id)


class _GroupedWorld:
    def __init__(self, url: str) -> None:
        self.store = _GroupedDeliveries(inner=PostgresDeliveries(database=Postgres(url)))

    def break_down(self) -> None:
        self.store = _GroupedDeliveries(inner=PostgresDeliveries(database=Postgres(NOWHERE)))


class TestGroupCommit(DeliveriesContract):
    """In a real database, many in one statement."""

    @pytest.fixture
    def world(self, database: str) -> DeliveryWorld:
        """Return a store in a new database."""
        return _GroupedWorld(database)
