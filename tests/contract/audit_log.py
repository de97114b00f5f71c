"""The contract of AuditLog."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.audit import AuditLog


class AuditWorld(Protocol):
    """An audit log, its entries, and a way to break it."""

    @property
    def audit(self) -> AuditLog:
        """Return the log under test."""
        ...

    def acts(self) -> list[tuple[str, str, str, str]]:
        """Return (actor, action, target, detail), oldest first."""
        ...

    def counts(self) -> list[tuple[int, str]]:
        """Return how many there were in all hours and the latest, of each kind, oldest first."""
        ...

    def break_down(self) -> None:
        """Make its server unreachable."""
        ...


class AuditLogContract:
    """Subclasses provide the fixture `world`."""

    def test_actions_are_recorded_in_order(self, world: AuditWorld) -> None:
        """The oldest comes first."""
        world.audit.record(actor="ada", action="app.delete", target="hello", detail="asked twice")
        world.audit.record(actor="ada", action="app.create")

        assert world.acts() == [("ada", "app.delete", "hello", "asked twice"), ("ada", "app.create", "", "")]

    def test_refusals_of_an_hour_are_one_entry_with_their_count(self, world: AuditWorld) -> None:
        """What differs between them is that of the last; another reason is another entry."""
        for number in range(3):
            world.audit.refuse(actor="1.2.3.4", action="webhook.refused", detail="unsigned", latest=f"d-{number}")
        world.audit.refuse(actor="1.2.3.4", action="webhook.refused", detail="empty", latest="d-9")

        refused = ("1.2.3.4", "webhook.refused", "")
        assert list(dict.fromkeys(world.acts())) == [(*refused, "unsigned"), (*refused, "empty")]
        assert world.counts() == [(3, "d-2"), (1, "d-9")]
        assert len(world.acts()) <= 3  # an hour may end meanwhile

    def test_a_limit_is_recorded_once(self, world: AuditWorld) -> None:
        """However often it is met."""
        for _ in range(9):
            world.audit.limit(actor="1.2.3.4", action="api.limit")

        ((count, latest),) = world.counts()
        assert (count <= 2, latest) == (True, "")  # an hour may end meanwhile

    def test_an_outage_is_unavailable(self, world: AuditWorld) -> None:
        """And nothing is recorded."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.audit.record(actor="ada", action="app.create")
