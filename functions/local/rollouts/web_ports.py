"""The ports of web processes: chosen, reserved while their version is active, and changed when another process has one.

A reservation binds only the Slipways of this user. Any other process of the machine may take a port between its choice
and the moment in which the web process listens there, or while that is restarted.
"""

import logging
from dataclasses import dataclass, field

from functions.local.ports import PortReservations
from functions.local.rollouts.cause import IN_USE
from functions.local.rollouts.listeners import Owner, owner_of
from functions.local.rollouts.store import Version
from functions.local.rollouts.supervision import AppPrograms, ProcessState

_LOG = logging.getLogger(__name__)
MOST_MOVES = 5


@dataclass(slots=True, kw_only=True)
class WebPorts:
    """One for all environments; a process is known by its program's name."""

    programs: AppPrograms
    reservations: PortReservations = field(default_factory=PortReservations)
    _listening: dict[str, tuple[int, int]] = field(default_factory=dict)
    _moves: dict[str, int] = field(default_factory=dict)

    def take(self, wanted: int = 0) -> int:
        """Return the wanted port, or a free one when that is taken or 0, reserved. Raises OSError when none is free."""
        return self.reservations.take(wanted)

    def hold(self, version: Version) -> None:
        """Reserve the ports of a version that may have been started by an earlier controller."""
        for port in (version.port, *version.ports):
            if port:
                self.reservations.hold(port)

    def release(self, *ports: int) -> None:
        """Let others have these ports."""
        if ports:
            self.reservations.release(*ports)

    def listens(self, version: Version, process: str, port: int, state: ProcessState) -> bool:
        """Return whether the answers at the port are those of this process, as far as that can be known."""
        return self._owner(version, process, port, state) in {Owner.OWN, Owner.UNKNOWN}

    def is_lost(
        self, version: Version, process: str, port: int, state: ProcessState, *, has_ended: bool = False
    ) -> bool:
        """Return whether another process listens at the port, or this one has ended because its address was in use.

        An older state than that of this moment may say so of a process that has just been restarted.
        """
        if state.phase in {"new", "stopped"}:
            return False
        if self._owner(version, process, port, state) is Owner.OTHER:
            return True
        return (has_ended or state.phase == "failed") and bool(IN_USE.search(self.programs.output(version, process)))

    def close(self) -> None:
        """Release all reservations: another controller makes its own."""
        self.reservations.release()

    def move(self, version: Version, process: str, port: int) -> int:
        """Return another port for the process, or 0 after too many moves; it must be started again."""
        name = version.program(process)
        self._moves[name] = self._moves.get(name, 0) + 1
        if self._moves[name] > MOST_MOVES:
            return 0
        other = self.take()
        self.release(port)
        _LOG.warning("port %s of %s is used by another process: it gets port %s", port, name, other)
        return other

    def forget(self, name: str) -> None:
        """Forget a program that is removed."""
        self._listening.pop(name, None)
        self._moves.pop(name, None)

    def _owner(self, version: Version, process: str, port: int, state: ProcessState) -> Owner:
        """Return who answers at the port; a process that has listened there once is not looked at again."""
        name = version.program(process)
        if state.pid and self._listening.get(name) == state.process:
            return Owner.OWN
        owner = owner_of(port, state.pid, lambda: self.programs.isolation.user(f"{version.app}/{version.environment}"))
        if owner is Owner.OWN:
            self._listening[name] = state.process
            self._moves.pop(name, None)
        return owner
