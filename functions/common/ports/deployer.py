"""The deployer: what runs a release, what runs now, and what was removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.release import Release, Workload
from functions.common.events.envelope import Envelope
from functions.common.events.release import WorkloadChanged


class Deployer(Protocol):
    """Runs releases and reports with workload.changed events.

    It runs them as Deployment, Rollout or Knative Service, or as processes of this machine.
    """

    def apply(self, workload: Workload) -> None:
        """Request this release and return at once; a repeat and an older release number change nothing.

        The running version keeps serving until the new one is ready, and when it does not become ready.
        """
        ...

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Remove all releases up to number `through`, and let none of them be applied again; see ReleaseLedger.

        Later releases stay. Nothing to remove is not an error.
        """
        ...

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Return the latest report on the environment, or None when nothing runs there."""
        ...


class StagedDeployer(Deployer, Protocol):
    """A deployer that rolls out in steps; each step continues on an event."""

    def continue_release(self, app: str, environment: str, release: int) -> None:
        """Roll the release out when its release command has succeeded and it is the newest; safe to repeat."""
        ...

    def sync_processes(self, app: str, environment: str, release: int) -> None:
        """Update the process types beside web to the live release, if it is the newest."""
        ...

    def scale(self, app: str, environment: str, replicas: Mapping[str, int]) -> None:
        """Run this many of each process type in place, without a new version; nothing changes where nothing runs."""
        ...

    def show_maintenance(self, app: str, environment: str, *, on: bool) -> None:
        """Show visitors a page with 503 instead of what runs, or what runs again; nothing else changes.

        Raises Rejected where the deployer has no such page.
        """
        ...

    def revert(self, live: Release, *, instead_of: int) -> None:
        """Apply the live release again in place of a newer one that failed, so that the failed one never serves.

        Changes nothing when the failed release is not the requested one, or when it is rolled back by itself.
        """
        ...


class WorkloadReports(Protocol):
    """Asks a cluster about the object that one of its events names; None for foreign, unknown and older objects."""

    def changed(self, envelope: Envelope) -> WorkloadChanged | None:
        """Return what the workload or the release command says now of its release, if there is news."""
        ...

    def prepared(self, envelope: Envelope) -> tuple[str, str, int] | None:
        """Return app, environment and number of the release whose release command has succeeded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorkload:
    """The newest release that was requested in an environment and not removed."""

    app: str
    environment: str
    release: int


class RunningWorkloads(Protocol):
    """Lists running workloads."""

    def running(self) -> tuple[RunningWorkload, ...]:
        """Return all, by app and environment."""
        ...


class StrayFinder(Protocol):
    """Finds workloads that no environment wants."""

    def among(self, workloads: tuple[RunningWorkload, ...]) -> tuple[RunningWorkload, ...]:
        """Return those whose environment does not exist, or whose release belongs to a deleted app of that name."""
        ...


class Removals(Protocol):
    """Records for each environment the release number up to which everything was removed."""

    def record(self, app: str, environment: str, *, through: int) -> None:
        """Record the number unless a greater one is recorded."""
        ...

    def through(self, app: str, environment: str) -> int:
        """Return the number, 0 when nothing was removed."""
        ...
