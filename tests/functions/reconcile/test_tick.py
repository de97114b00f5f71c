"""A tick: one at a time, each step even if another failed, and no events when nothing is missing."""

import time
from datetime import timedelta

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.deliveries import PostgresDeliveries
from functions.common.adapters.postgres.tick_lock import PostgresTickLock
from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.errors import Unavailable
from functions.common.events.app import AppCreated
from functions.reconcile.handler import handle
from tests.functions.reconcile.ticker import LOCK, TICK, Ticker
from tests.world import World


class Failing:
    """A step that cannot be done."""

    def __call__(self) -> None:
        """Fail."""
        msg = "down"
        raise Unavailable(msg)


class Counting:
    """A step that counts."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> None:
        """Count."""
        self.done += 1


def test_a_step_that_fails_does_not_stop_the_next(world: World) -> None:
    counting = Counting()
    lock = PostgresTickLock(database=world.database, number=LOCK)
    handle(TICK, lock=lock, steps={"failing": Failing(), "counting": counting})
    assert counting.done == 1


def test_a_second_tick_returns_at_once_while_the_first_is_running(world: World) -> None:
    counting, other = Counting(), PostgresTickLock(database=Postgres(world.url), number=LOCK)
    lock = PostgresTickLock(database=world.database, number=LOCK)
    with other.try_acquire() as mine:
        assert mine
        handle(TICK, lock=lock, steps={"counting": counting})
        assert counting.done == 0
    handle(TICK, lock=lock, steps={"counting": counting})
    assert counting.done == 1


def test_the_lock_is_released_when_its_holder_dies(world: World) -> None:
    dying = Postgres(world.url)
    dying.run("select pg_advisory_lock(:number)", number=LOCK)
    dying.close()
    while world.database.run("select 1 from pg_locks where locktype = 'advisory'"):
        time.sleep(0.01)  # the server ends the session a moment after the connection
    counting = Counting()
    handle(TICK, lock=PostgresTickLock(database=world.database, number=LOCK), steps={"counting": counting})
    assert counting.done == 1


def test_at_rest_nothing_is_sent(world: World, ticker: Ticker) -> None:
    world.database.run("insert into dns_records (host, app, state) values ('hello.apps.example.org', 'hello', 'ready')")
    world.database.run(
        "insert into certificates (host, app, state) values ('hello.apps.example.org', 'hello', 'ready')"
    )
    assert ticker.tick() == []


@pytest.fixture
def delivery(world: World) -> Delivery:
    envelope = world.record(AppCreated(app="other", host="other.example.org"), "delivered")
    return Delivery(
        provider=Provider.FORGEJO, delivery_id="1", kind="push", headers={}, body=b"", outcome=DeliveryOutcome.ACCEPTED,
        event_id=envelope.id, event=envelope.to_json(),
    )  # fmt: skip


def test_a_delivery_that_was_never_published_is_published_once(
    world: World, ticker: Ticker, delivery: Delivery
) -> None:
    deliveries = PostgresDeliveries(database=world.database)
    deliveries.store(delivery)
    assert ticker.tick("deliveries") == []  # the lease of its first caller has not ended
    world.age("webhook_deliveries", "claimed_at", timedelta(minutes=1))
    assert [sent.id for sent in ticker.tick("deliveries")] == [delivery.event_id]
    world.age("webhook_deliveries", "claimed_at", timedelta(minutes=1))
    assert ticker.tick("deliveries") == []


def test_while_the_broker_is_down_the_delivery_waits(world: World, ticker: Ticker, delivery: Delivery) -> None:
    PostgresDeliveries(database=world.database).store(delivery)
    world.age("webhook_deliveries", "claimed_at", timedelta(minutes=1))
    world.sink.down = True
    assert ticker.tick("deliveries") == []
    world.sink.down = False
    world.age("webhook_deliveries", "claimed_at", timedelta(minutes=1))
    assert [sent.id for sent in ticker.tick("deliveries")] == [delivery.event_id]
