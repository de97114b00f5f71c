"""Deliveries that come in side by side share a statement, and none suffers from another."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from functions.common.adapters.postgres.deliveries import MAX_BYTES, GroupCommit
from functions.common.domain.delivery import Delivery
from functions.common.errors import Unavailable
from functions.common.ports.deliveries import StoredDelivery
from tests.contract.deliveries import a_delivery
from tests.fakes.deliveries import FakeDeliveries
from tests.patience import patient


@dataclass
class _Store:
    """Stores in memory once it is opened; takes no lot with `poison` in it."""

    opened: threading.Event = field(default_factory=threading.Event)
    lots: list[int] = field(default_factory=list)
    kept: FakeDeliveries = field(default_factory=FakeDeliveries)

    def store_all(self, deliveries: Sequence[Delivery]) -> list[StoredDelivery]:
        self.lots.append(len(deliveries))
        self.opened.wait(patient(5))
        if "poison" in {delivery.delivery_id for delivery in deliveries}:
            msg = "poison"
            raise ValueError(msg)
        return [self.kept.store(delivery) for delivery in deliveries]


def stored_together(store: _Store, deliveries: Sequence[Delivery]) -> list[StoredDelivery | Exception | None]:
    """Store one, and the others while that is still going on."""
    grouped = GroupCommit(inner=store)
    with ThreadPoolExecutor(len(deliveries)) as threads:
        calls = [threads.submit(grouped.store, delivery) for delivery in deliveries]
        while len(grouped._waiting) < len(deliveries) - 1:  # noqa: SLF001 - until all others wait
            pass
        store.opened.set()
    return [call.exception() or call.result() for call in calls]  # type: ignore[misc] # no BaseException is raised


def test_who_comes_while_one_is_stored_is_stored_with_the_next() -> None:
    store, deliveries = _Store(), [a_delivery(f"d-{number}") for number in range(8)]

    results = stored_together(store, deliveries)

    assert store.lots == [1, 7]
    assert [one.event_id for one in results if isinstance(one, StoredDelivery)] == [one.event_id for one in deliveries]


def test_one_that_cannot_be_stored_keeps_out_no_other() -> None:
    store, deliveries = _Store(), [a_delivery(name) for name in ("d-1", "d-2", "poison", "d-3")]

    results = stored_together(store, deliveries)

    assert [type(one) for one in results] == [StoredDelivery, StoredDelivery, ValueError, StoredDelivery]


def test_an_outage_is_everybodys() -> None:
    store, deliveries = _Store(), [a_delivery(f"d-{number}") for number in range(4)]
    store.kept.down = True

    assert [type(one) for one in stored_together(store, deliveries)] == [Unavailable] * 4


def test_large_bodies_do_not_pile_up_in_one_statement() -> None:
    large = [replace(a_delivery(f"d-{number}"), body=bytes(MAX_BYTES // 2)) for number in range(6)]
    store = _Store()
    stored_together(store, large)

    assert max(store.lots) == 2
    assert sum(store.lots) == 6


def test_the_next_call_after_a_failure_is_served() -> None:
    store = _Store()
    store.opened.set()
    grouped = GroupCommit(inner=store)
    with pytest.raises(ValueError, match="poison"):
        grouped.store(a_delivery("poison"))

    assert not grouped.store(a_delivery("d-1")).repeated
