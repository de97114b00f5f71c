"""What a deployer was asked for and not asked to remove."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorkload:
    """The newest release that was asked for in an environment."""

    app: str
    environment: str
    release: int


class RunningWorkloads(Protocol):
    """Lists them."""

    def running(self) -> tuple[RunningWorkload, ...]:
        """Return all, by app and environment."""
        ...


class Strays(Protocol):
    """Tells those that nothing wants."""

    def among(self, workloads: tuple[RunningWorkload, ...]) -> tuple[RunningWorkload, ...]:
        """Return those whose environment does not exist, or whose release is of a deleted app of the name."""
        ...
