"""What follows the news of a release: workers follow the live one, a failed one is reverted, a prepared one goes on."""

from collections.abc import Callable

from functions.common.domain.release import ReleaseState
from functions.common.events.envelope import Envelope
from functions.common.events.release import ReleaseFailed, ReleaseLive
from functions.common.ports.deployer import StagedDeployer
from functions.common.ports.releases import ReleaseArchive

# A release failed: what it was to replace is asked for again, so that it cannot take the traffic later.


def handle_failed(event: ReleaseFailed, *, archive: ReleaseArchive, deployer: StagedDeployer) -> None:
    """Go back to the live release; with a newer one on its way, or none live, nothing is to be gone back to."""
    newest = archive.newest(event.app, event.environment)
    if newest and newest.state is ReleaseState.LIVE and newest.number < event.release:
        deployer.revert(newest, instead_of=event.release)


# A release is live: what follows the live version in the cluster follows it now.


def handle_live(event: ReleaseLive, *, deployer: StagedDeployer) -> None:
    """Let workers run the release's code; one that is late, or comes again, changes nothing."""
    deployer.sync_processes(event.app, event.environment, event.release)


# A release command has ended well in the cluster: its release goes on.

Prepared = Callable[[Envelope], tuple[str, str, int] | None]


def handle_object(envelope: Envelope, *, read: Prepared, deployer: StagedDeployer) -> None:
    """Let the release go on whose release command the object says is done; others are none of ours."""
    prepared = read(envelope)
    if prepared:
        app, environment, release = prepared
        deployer.continue_release(app, environment, release)
