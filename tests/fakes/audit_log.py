"""An audit log in memory."""

from dataclasses import dataclass

from functions.common.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was recorded."""

    actor: str
    action: str
    target: str
    detail: str


class FakeAuditLog:
    """AuditLog; read `acts`, set `down` to make it unavailable."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.down = False

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; see AuditLog."""
        if self.down:
            msg = "the audit log is down"
            raise Unavailable(msg)
        self.acts.append(Act(actor=actor, action=action, target=target, detail=detail))
