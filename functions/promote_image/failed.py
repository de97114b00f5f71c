"""A release failed: what it was to replace is asked for again, so that it cannot take the traffic later."""

from functions.common.domain.release import ReleaseState
from functions.common.events.release import ReleaseFailed
from functions.common.ports.deployer import StagedDeployer
from functions.common.ports.release_archive import ReleaseArchive


def handle_failed(event: ReleaseFailed, *, archive: ReleaseArchive, deployer: StagedDeployer) -> None:
    """Go back to the live release; with a newer one on its way, or none live, nothing is to be gone back to."""
    newest = archive.newest(event.app, event.environment)
    if newest and newest.state is ReleaseState.LIVE and newest.number < event.release:
        deployer.go_back(newest, instead_of=event.release)
