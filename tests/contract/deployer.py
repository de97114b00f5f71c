"""The contract of Deployer."""

from typing import Protocol

from functions.common.domain.release import Workload
from functions.common.errors import Unavailable
from functions.common.ports.deployer import Deployer
from tests.local.waiting import until


class DeployerWorld(Protocol):
    """A deployer, workloads for it, and a way to wait for it."""

    @property
    def app(self) -> str:
        """Return the app that the workloads are of."""
        ...

    @property
    def deployer(self) -> Deployer:
        """Return the deployer under test."""
        ...

    def workload(self, release: int) -> Workload:
        """Return a healthy workload of the app's production."""
        ...

    def converge(self) -> None:
        """Wait until the workloads are as requested."""
        ...


def ask_after_removal(world: DeployerWorld, release: int) -> None:
    """Apply a workload, repeating it while it is refused: a server deletes objects with a delay."""
    until(lambda: _is_asked(world.deployer, world.workload(release)), why=f"release {release} to be taken")


def _is_asked(deployer: Deployer, workload: Workload) -> bool:
    try:
        deployer.apply(workload)
    except Unavailable:
        return False
    return True


class DeployerContract:
    """Subclasses provide the fixture `world`."""

    def test_an_environment_without_workload_is_observed_as_none_and_can_be_removed(self, world: DeployerWorld) -> None:
        """Neither is an error."""
        world.deployer.remove(world.app, "production", through=1)

        assert world.deployer.observe(world.app, "production") is None

    def test_the_newest_release_goes_live_and_an_older_number_changes_nothing(self, world: DeployerWorld) -> None:
        """A repeat changes nothing; after the removal there is nothing to observe."""
        for release in (2, 2, 1):
            world.deployer.apply(world.workload(release))
        asked = world.deployer.observe(world.app, "production")
        assert asked
        assert asked.release == 2

        world.converge()
        report = world.deployer.observe(world.app, "production")
        assert report
        assert (report.release, report.phase, report.weight, report.push) == (2, "live", 100, "push-2")

        world.deployer.remove(world.app, "production", through=2)
        world.converge()
        assert world.deployer.observe(world.app, "production") is None

    def test_a_removed_release_does_not_come_back_and_a_later_one_stays(self, world: DeployerWorld) -> None:
        """The number decides, whichever of removal and release comes late."""
        world.deployer.apply(world.workload(1))
        world.converge()
        world.deployer.remove(world.app, "production", through=2)
        world.deployer.apply(world.workload(2))
        world.converge()
        assert world.deployer.observe(world.app, "production") is None

        ask_after_removal(world, 3)
        world.deployer.remove(world.app, "production", through=2)
        world.converge()
        report = world.deployer.observe(world.app, "production")
        assert report
        assert (report.release, report.phase) == (3, "live")
