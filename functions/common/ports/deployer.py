"""What runs releases, what runs now, and what must not run any more."""

from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.release import Release, Workload
from functions.common.events.release import WorkloadChanged

# Runs releases: Deployment, Rollout, Knative Service, or processes of this machine.


class Deployer(Protocol):
    """Makes what runs into what is asked for, and reports with workload.changed events."""

    def apply(self, workload: Workload) -> None:
        """Ask for this release; asking twice is asking once, and an older release number changes nothing.

        Returns at once. The running version keeps serving until the new one has proved itself, and
        keeps serving when it does not.
        """
        ...

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Leave no release up to number `through` running, nor let one be applied any more; see ReleaseLedger.

        A later release is left alone, however late this comes; nothing there is no error.
        """
        ...

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Return the latest report on the environment, or None when nothing is there."""
        ...


class StagedDeployer(Deployer, Protocol):
    """A deployer whose release commands run elsewhere and report their end by an event."""

    def continue_release(self, app: str, environment: str, release: int) -> None:
        """Roll the release out if its release command has finished and it is the newest; a repeat changes nothing."""
        ...

    def sync_processes(self, app: str, environment: str, release: int) -> None:
        """Run the other process types from the release, which is live, if it is the newest."""
        ...

    def revert(self, live: Release, *, instead_of: int) -> None:
        """Ask for the live release again instead of a newer one that failed, so that the failed one never gets traffic.

        Changes nothing when another release than the failed one is asked for, or when the workload reverts by itself.
        """
        ...


# What a deployer was asked for and not asked to remove.


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


# What is not to run any more, remembered beyond what ran.


class Removals(Protocol):
    """Keeps, for each environment, up to which release number everything was removed."""

    def note(self, app: str, environment: str, *, through: int) -> None:
        """Remember the number, unless a greater one is known."""
        ...

    def through(self, app: str, environment: str) -> int:
        """Return the number, 0 when nothing was removed."""
        ...
