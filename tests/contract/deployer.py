"""What every Deployer keeps to."""

from typing import Protocol

from functions.common.domain.release import Workload
from functions.common.ports.deployer import Deployer


class DeployerWorld(Protocol):
    """A deployer, workloads that it can run, and a way to let it do so."""

    @property
    def deployer(self) -> Deployer:
        """Return the deployer under test."""
        ...

    def workload(self, release: int) -> Workload:
        """Return a healthy workload of hello/production."""
        ...

    def settle(self) -> None:
        """Return when what was asked for has come true."""
        ...


class DeployerContract:
    """To be subclassed with a fixture `world`."""

    def test_nothing_there_is_none_and_can_be_removed(self, world: DeployerWorld) -> None:
        """Neither is an error."""
        world.deployer.remove("hello", "production", through=1)

        assert world.deployer.observe("hello", "production") is None

    def test_the_newest_release_goes_live_and_an_older_number_changes_nothing(self, world: DeployerWorld) -> None:
        """Asking twice is asking once; removal leaves nothing to observe."""
        for release in (2, 2, 1):
            world.deployer.apply(world.workload(release))
        asked = world.deployer.observe("hello", "production")
        assert asked
        assert asked.release == 2

        world.settle()
        report = world.deployer.observe("hello", "production")
        assert report
        assert (report.release, report.phase, report.weight, report.push) == (2, "live", 100, "push-2")

        world.deployer.remove("hello", "production", through=2)
        world.settle()
        assert world.deployer.observe("hello", "production") is None

    def test_what_was_removed_does_not_come_back_and_what_comes_after_it_stays(self, world: DeployerWorld) -> None:
        """Whether the removal or the release comes late; the number tells."""
        world.deployer.apply(world.workload(1))
        world.settle()
        world.deployer.remove("hello", "production", through=2)
        world.deployer.apply(world.workload(2))
        world.settle()
        assert world.deployer.observe("hello", "production") is None

        world.deployer.apply(world.workload(3))
        world.deployer.remove("hello", "production", through=2)
        world.settle()
        report = world.deployer.observe("hello", "production")
        assert report
        assert (report.release, report.phase) == (3, "live")
