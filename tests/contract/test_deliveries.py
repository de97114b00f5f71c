"""PostgreSQL fulfils the contract of deliveries."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from tests.contract.deliveries import AT_ONCE, NOWHERE, DeliveriesContract, DeliveryWorld, a_delivery


class _PostgresWorld:
    def __init__(self, url: str) -> None:
        self.store = PostgresDeliveries(database=Postgres(url))

    def break_down(self) -> None:
        self.store = PostgresDeliveries(database=Postgres(NOWHERE))


class TestPostgres(DeliveriesContract):
    """In a real database."""

    @pytest.fixture
    def world(self, database: str) -> DeliveryWorld:
        """Return a store in a new database."""
        return _PostgresWorld(database)

    def test_claims_side_by_side_share_the_work(self, database: str) -> None:
        """A claim skips rows that another claim has locked."""
        mine, theirs = Postgres(database), Postgres(database)
        store, other = PostgresDeliveries(database=mine), PostgresDeliveries(database=theirs)
        events = [store.store(a_delivery(f"d-{number}")).event_id for number in range(5)]
        with mine.transaction():
            first = [envelope.id for envelope in store.claim(older_than=AT_ONCE, limit=2)]
            second = [envelope.id for envelope in other.claim(older_than=AT_ONCE, limit=9)]

        assert (first, second) == (events[:2], events[2:])

    def test_the_time_of_the_first_publication_is_kept(self, database: str) -> None:
        """A second mark changes nothing."""
        postgres, delivery = Postgres(database), a_delivery("d-1")
        store = PostgresDeliveries(database=postgres)
        store.store(delivery)
        store.mark_published(delivery.event_id)
        first = postgres.run("select published_at from webhook_deliveries")

        store.mark_published(delivery.event_id)

        assert postgres.run("select published_at from webhook_deliveries") == first
