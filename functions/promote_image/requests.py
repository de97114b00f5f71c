"""Releases an image that was requested, scales what runs, and shows or hides the maintenance page."""

from functions.common.domain.release import ReleaseKind
from functions.common.events.base import CURRENT_CAUSE
from functions.common.events.operation import DeployRequested, MaintenanceChanged, ScaleChanged
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded
from functions.common.ports.deployer import StagedDeployer
from functions.common.ports.releases import Proposal, ReleaseLedger, SupersededProposal
from functions.common.ports.scales import Maintenance, Scales
from functions.promote_image.roll_out import RollOut


def handle_deploy(
    event: DeployRequested, *, ledger: ReleaseLedger, roll_out: RollOut
) -> ReleaseStarted | ReleaseSuperseded | ReleaseFailed:
    """Begin a release of the image with the current config; an environment that was closed meanwhile gets none."""
    what = event.sha[:12] or f"{event.image}@{event.digest}"
    proposal = Proposal(
        cause=CURRENT_CAUSE.get().id,
        app=event.app,
        environment=event.environment,
        kind=ReleaseKind.DEPLOY,
        digest=event.digest,
        image=event.image,
        processes=event.processes,
        sha=event.sha,
        note=f"deploy {what}" + (f" by {event.actor}" if event.actor else ""),
    )
    begun = ledger.begin(proposal)
    if not isinstance(begun, SupersededProposal):
        return roll_out(begun)
    return ReleaseSuperseded(app=event.app, environment=event.environment, sha=event.sha, reason=begun.reason)


def handle_scale(event: ScaleChanged, *, scales: Scales, deployer: StagedDeployer) -> None:
    """Run as many processes as are wanted now; late and repeated events change nothing."""
    deployer.scale(event.app, event.environment, scales.read(event.app, event.environment))


def handle_maintenance(event: MaintenanceChanged, *, maintenance: Maintenance, deployer: StagedDeployer) -> None:
    """Show or hide the page as is wanted now; late and repeated events change nothing."""
    is_on = maintenance.is_on(event.app, event.environment)
    deployer.show_maintenance(event.app, event.environment, on=is_on)
