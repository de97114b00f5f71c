"""The contract of DnsZone."""

from typing import Protocol

import pytest

from functions.common.errors import Rejected, Unavailable
from functions.common.ports.network import DnsAction, DnsZone

HOST = "hello.example.org"


class DnsWorld(Protocol):
    """A zone, and a way to add a record without the mark."""

    @property
    def zone(self) -> DnsZone:
        """Return the zone under test."""
        ...

    def put_foreign(self, host: str) -> None:
        """Add a record without the mark."""
        ...

    def break_down(self) -> None:
        """Make its server unreachable."""
        ...


class DnsZoneContract:
    """Subclasses provide the fixture `world`."""

    def test_a_record_is_created_once(self, world: DnsWorld) -> None:
        """A repeat finds it unchanged."""
        assert world.zone.ensure(HOST, owner="hello") is DnsAction.CREATED
        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UNCHANGED
        assert [(one.host, one.owner) for one in world.zone.owned()] == [(HOST, "hello")]

    def test_a_record_with_the_mark_can_move_to_another_app(self, world: DnsWorld) -> None:
        """The mark allows the change."""
        world.zone.ensure(HOST, owner="hello")

        assert world.zone.ensure(HOST, owner="other") is DnsAction.UPDATED
        assert [one.owner for one in world.zone.owned()] == ["other"]

    def test_a_record_with_the_mark_is_deleted_once(self, world: DnsWorld) -> None:
        """A second time is no error."""
        world.zone.ensure(HOST, owner="hello")

        assert world.zone.delete(HOST) is DnsAction.DELETED
        assert world.zone.delete(HOST) is DnsAction.UNCHANGED
        assert world.zone.owned() == ()

    def test_a_foreign_record_is_neither_changed_nor_deleted(self, world: DnsWorld) -> None:
        """Both calls are refused, and it gets no mark."""
        world.put_foreign(HOST)

        with pytest.raises(Rejected, match=HOST):
            world.zone.ensure(HOST, owner="hello")
        with pytest.raises(Rejected, match=HOST):
            world.zone.delete(HOST)
        assert world.zone.owned() == ()

    def test_an_outage_is_unavailable(self, world: DnsWorld) -> None:
        """It is not mistaken for an answer."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.zone.ensure(HOST, owner="hello")
