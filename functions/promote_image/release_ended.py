"""What follows the end of a release, or of its release command."""

from collections.abc import Callable

from functions.common.domain.release import ReleaseState
from functions.common.events.envelope import Envelope
from functions.common.events.release import ReleaseFailed, ReleaseLive
from functions.common.ports.deployer import StagedDeployer
from functions.common.ports.releases import ReleaseArchive

ReleaseReader = Callable[[Envelope], tuple[str, str, int] | None]


def sync_processes(event: ReleaseLive, *, deployer: StagedDeployer) -> None:
    """Run the other process types from the live release; a late or repeated event changes nothing."""
    deployer.sync_processes(event.app, event.environment, event.release)


def revert(event: ReleaseFailed, *, archive: ReleaseArchive, deployer: StagedDeployer) -> None:
    """Ask for the live release again, unless none is live or a newer one has started.

    Otherwise a cluster would go on trying the failed version, and give it the traffic when it becomes ready.
    """
    newest = archive.newest(event.app, event.environment)
    if newest and newest.state is ReleaseState.LIVE and newest.number < event.release:
        deployer.revert(newest, instead_of=event.release)


def continue_release(envelope: Envelope, *, read: ReleaseReader, deployer: StagedDeployer) -> None:
    """Continue the release whose release command has succeeded, as the changed object says; ignore other objects."""
    prepared = read(envelope)
    if prepared:
        app, environment, release = prepared
        deployer.continue_release(app, environment, release)
