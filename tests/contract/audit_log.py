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

    def test_an_outage_is_unavailable(self, world: AuditWorld) -> None:
        """And nothing is recorded."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.audit.record(actor="ada", action="app.create")
