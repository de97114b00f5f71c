"""Environments in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from functions.common.domain.environment import Environment, EnvironmentState, preview
from functions.common.errors import Unavailable
from functions.common.ports.apps import Opened
from tests.fakes.ledger_state import LedgerState, Place


@dataclass(frozen=True, slots=True)
class FakeEnvironments:
    """Environments."""

    state: LedgerState

    def open(self, wanted: Environment) -> Opened:
        """Make sure that the branch has its environment; see Environments."""
        self.state.check()
        if wanted.app not in self.state.apps:
            msg = f"the app {wanted.app} was deleted at this moment; try again"
            raise Unavailable(msg)
        place = self._of(wanted) or self._made(wanted)
        place.environment = replace(place.environment, branch=wanted.branch)
        if not place.is_open:
            place.opened = next(self.state.ticks)
        return Opened(environment=place.environment, fresh=place.pushed < place.opened)

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; see Environments."""
        self.state.check()
        closed = []
        for (app, _), place in sorted(self.state.places.items()):
            if app in apps and place.environment.branch == branch and not place.environment.is_production:
                if place.is_open:
                    place.closed = next(self.state.ticks)
                closed.append(replace(place.environment, state=EnvironmentState.CLOSED))
        return tuple(closed)

    def _of(self, wanted: Environment) -> Place | None:
        for place in self.state.places.values():
            known = place.environment
            same = known.branch == wanted.branch or wanted.is_production
            if known.app == wanted.app and known.is_production == wanted.is_production and same:
                return place
        return None

    def _made(self, wanted: Environment) -> Place:
        if (wanted.app, wanted.name) in self.state.places:
            wanted = preview(wanted.app, wanted.branch, digest_length=12)
        place = Place(environment=wanted, opened=next(self.state.ticks))
        self.state.places[wanted.app, wanted.name] = place
        return place
