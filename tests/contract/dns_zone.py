"""What every DnsZone keeps to."""

from typing import Protocol

import pytest

from functions.common.errors import Rejected, Unavailable
from functions.common.ports.network import DnsAction, DnsZone

HOST = "hello.example.org"


class DnsWorld(Protocol):
    """A zone, and a way to put a record of somebody else into it."""

    @property
    def zone(self) -> DnsZone:
        """Return the zone under test."""
        ...

    def put_foreign(self, host: str) -> None:
        """Put a record there that carries no mark."""
        ...

    def break_down(self) -> None:
        """Make what is behind it unreachable."""
        ...


class DnsZoneContract:
    """To be subclassed with a fixture `world`."""

    def test_a_record_is_made_once(self, world: DnsWorld) -> None:
        """A repeat finds it as it should be."""
        assert world.zone.ensure(HOST, owner="hello") is DnsAction.CREATED
        assert world.zone.ensure(HOST, owner="hello") is DnsAction.UNCHANGED
        assert [(one.host, one.owner) for one in world.zone.owned()] == [(HOST, "hello")]

    def test_a_record_of_ours_goes_over_to_another_app(self, world: DnsWorld) -> None:
        """It carries our mark, so it may be changed."""
        world.zone.ensure(HOST, owner="hello")

        assert world.zone.ensure(HOST, owner="other") is DnsAction.UPDATED
        assert [one.owner for one in world.zone.owned()] == ["other"]

    def test_a_record_of_ours_is_deleted_once(self, world: DnsWorld) -> None:
        """None there is no error."""
        world.zone.ensure(HOST, owner="hello")

        assert world.zone.delete(HOST) is DnsAction.DELETED
        assert world.zone.delete(HOST) is DnsAction.UNCHANGED
        assert world.zone.owned() == ()

    def test_a_foreign_record_is_neither_changed_nor_deleted(self, world: DnsWorld) -> None:
        """It is refused both times, and is none of ours afterwards."""
        world.put_foreign(HOST)

        with pytest.raises(Rejected, match=HOST):
            world.zone.ensure(HOST, owner="hello")
        with pytest.raises(Rejected, match=HOST):
            world.zone.delete(HOST)
        assert world.zone.owned() == ()

    def test_an_outage_is_unavailable(self, world: DnsWorld) -> None:
        """The caller learns that nothing is known."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.zone.ensure(HOST, owner="hello")
