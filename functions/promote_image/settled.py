"""A release is live: what follows the live version in the cluster follows it now."""

from functions.common.events.release import ReleaseLive
from functions.common.ports.deployer import StagedDeployer


def handle_live(event: ReleaseLive, *, deployer: StagedDeployer) -> None:
    """Let workers run the release's code; one that is late, or comes again, changes nothing."""
    deployer.settle(event.app, event.environment, event.release)
