"""What the ledgers in memory share, as the ledgers of PostgreSQL share a database."""

from dataclasses import dataclass, field
from itertools import count

from functions.common.domain.app import App
from functions.common.domain.build import Build
from functions.common.domain.environment import Environment
from functions.common.domain.push import Push
from functions.common.errors import Unavailable


@dataclass(slots=True, kw_only=True)
class Place:
    """An environment and what is counted in it; times are ticks."""

    environment: Environment
    opened: int
    closed: int = 0
    pushed: int = 0
    sequence: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it was not closed since it was opened."""
        return self.closed < self.opened


@dataclass(slots=True)
class LedgerState:
    """Set `down` to make all of it unavailable."""

    apps: dict[str, App] = field(default_factory=dict)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    pushes: dict[tuple[str, str], Push] = field(default_factory=dict)
    received: dict[tuple[str, str], int] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)
    ticks: "count[int]" = field(default_factory=lambda: count(1))
    down: bool = False

    def check(self) -> None:
        """Raise Unavailable when it is down."""
        if self.down:
            msg = "the database does not answer"
            raise Unavailable(msg)
