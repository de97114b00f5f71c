"""What every AuditLog keeps to."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.apps import AuditLog


class AuditWorld(Protocol):
    """An audit log, what stands in it, and a way to take it down."""

    @property
    def audit(self) -> AuditLog:
        """Return the log under test."""
        ...

    def acts(self) -> list[tuple[str, str, str, str]]:
        """Return (actor, action, target, detail), oldest first."""
        ...

    def break_down(self) -> None:
        """Make what is behind it unreachable."""
        ...


class AuditLogContract:
    """To be subclassed with a fixture `world`."""

    def test_acts_are_kept_in_order(self, world: AuditWorld) -> None:
        """What was recorded first stands first."""
        world.audit.record(actor="ada", action="app.delete", target="hello", detail="asked twice")
        world.audit.record(actor="ada", action="app.create")

        assert world.acts() == [("ada", "app.delete", "hello", "asked twice"), ("ada", "app.create", "", "")]

    def test_an_outage_is_unavailable(self, world: AuditWorld) -> None:
        """The caller learns that nothing was recorded."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.audit.record(actor="ada", action="app.create")
