"""The contract of DeliveryInbox and of the outbox of deliveries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Protocol

import pytest

from functions.common.domain.delivery import Delivery, DeliveryOutcome, Provider
from functions.common.errors import Unavailable
from functions.common.events.base import Cause
from functions.common.events.envelope import envelop
from functions.common.events.push import BranchDeleted, Repository
from functions.common.ports.deliveries import DeliveryInbox
from functions.common.ports.events import EventOutbox

NOWHERE = "postgresql://postgres@127.0.0.1:1/nowhere"
AT_ONCE, LATER = timedelta(0), timedelta(hours=1)


class DeliveryStore(DeliveryInbox, EventOutbox, Protocol):
    """The inbox and the outbox of one store."""


class DeliveryWorld(Protocol):
    """A store, and a way to break it."""

    @property
    def store(self) -> DeliveryStore:
        """Return the store under test."""
        ...

    def break_down(self) -> None:
        """Make its server unreachable."""
        ...


def a_delivery(identity: str, *, provider: Provider = Provider.FORGEJO) -> Delivery:
    """Return an accepted delivery with its event."""
    repository = Repository(full_name="team/hello", urls=("https://forge.example.org/team/hello.git",))
    event = BranchDeleted(provider=provider.value, delivery=identity, repository=repository, branch="gone")
    cause = Cause(function="verify-webhook", source=f"/slipway/webhooks/{provider}", id=identity)
    envelope = envelop(event, cause=cause, time="2026-01-02T03:04:05+00:00")
    return Delivery(
        provider=provider,
        delivery_id=identity,
        kind="delete",
        headers={"x-forgejo-event": "delete"},
        body=b'{"\\u0000": "\xff"}\0',
        outcome=DeliveryOutcome.ACCEPTED,
        event_id=envelope.id,
        event=envelope.to_json(),
    )


def ignored(identity: str) -> Delivery:
    """Return a delivery without an event."""
    return Delivery(
        provider=Provider.GITHUB,
        delivery_id=identity,
        kind="ping",
        headers={},
        body=b"",
        outcome=DeliveryOutcome.IGNORED,
        reason="a ping",
    )


class DeliveriesContract:
    """Subclasses provide the fixture `world`."""

    def test_a_first_delivery_is_stored(self, world: DeliveryWorld) -> None:
        """Its ids are returned, and it is not a repeat."""
        delivery = a_delivery("d-1")

        stored = world.store.store(delivery)

        assert (stored.delivery_id, stored.event_id) == ("d-1", delivery.event_id)
        assert (stored.outcome, stored.reason, stored.repeated) == (DeliveryOutcome.ACCEPTED, "", False)

    def test_a_repeat_returns_the_first_delivery(self, world: DeliveryWorld) -> None:
        """Even when its content differs."""
        world.store.store(ignored("d-1"))
        other = Delivery(
            provider=Provider.GITHUB,
            delivery_id="d-1",
            kind="push",
            headers={},
            body=b"{}",
            outcome=DeliveryOutcome.REFUSED,
            reason="another",
        )

        stored = world.store.store(other)

        assert (stored.outcome, stored.reason, stored.repeated) == (DeliveryOutcome.IGNORED, "a ping", True)

    def test_providers_do_not_share_ids(self, world: DeliveryWorld) -> None:
        """Ids are unique within a forge."""
        world.store.store(a_delivery("d-1"))

        other = a_delivery("d-1", provider=Provider.GITEA)

        assert not world.store.store(other).repeated
        assert world.store.store(other).event_id == other.event_id

    def test_of_concurrent_deliveries_one_is_first(self, world: DeliveryWorld) -> None:
        """Of eight exactly one is not a repeat, and all have the same ids."""
        delivery = a_delivery("d-1")
        with ThreadPoolExecutor(8) as threads:
            stored = list(threads.map(lambda _: world.store.store(delivery), range(8)))

        assert [one.repeated for one in stored].count(False) == 1
        assert {one.event_id for one in stored} == {delivery.event_id}

    def test_unpublished_events_are_claimed_oldest_first(self, world: DeliveryWorld) -> None:
        """Up to the limit; deliveries without an event are not included."""
        world.store.store(ignored("d-0"))
        deliveries = [a_delivery(f"d-{number}") for number in range(1, 4)]
        for delivery in deliveries:
            world.store.store(delivery)

        claimed = world.store.claim(older_than=AT_ONCE, limit=2)

        assert [envelope.to_json() for envelope in claimed] == [delivery.event for delivery in deliveries[:2]]

    def test_the_caller_of_store_holds_the_lease(self, world: DeliveryWorld) -> None:
        """So that no other process publishes at the same time."""
        world.store.store(a_delivery("d-1"))

        assert world.store.claim(older_than=LATER, limit=9) == ()

    def test_a_claim_is_a_lease(self, world: DeliveryWorld) -> None:
        """It excludes others until it expires."""
        world.store.store(a_delivery("d-1"))
        first = world.store.claim(older_than=AT_ONCE, limit=9)

        assert world.store.claim(older_than=LATER, limit=9) == ()
        assert world.store.claim(older_than=AT_ONCE, limit=9) == first != ()

    def test_a_published_event_is_not_claimed(self, world: DeliveryWorld) -> None:
        """Marking it twice, or marking an unknown event, changes nothing."""
        delivery = a_delivery("d-1")
        world.store.store(delivery)
        for event_id in (delivery.event_id, delivery.event_id, "unknown"):
            world.store.mark_published(event_id)

        assert world.store.claim(older_than=AT_ONCE, limit=9) == ()

    @pytest.mark.parametrize(
        "call",
        [
            lambda store: store.store(a_delivery("d-1")),
            lambda store: store.mark_published("e-1"),
            lambda store: store.claim(older_than=AT_ONCE, limit=1),
        ],
        ids=["store", "mark_published", "claim"],
    )
    def test_an_outage_is_unavailable(self, world: DeliveryWorld, call: Callable[[DeliveryStore], object]) -> None:
        """For every method."""
        world.break_down()

        with pytest.raises(Unavailable):
            call(world.store)
