"""Releases the image of an earlier release again, with the config of now: a value that was withdrawn stays so."""

from functions.common.domain.release import Release, ReleaseKind
from functions.common.events.base import CURRENT_CAUSE
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded, RollbackRequested
from functions.common.ports.images import ImageStore
from functions.common.ports.releases import Proposal, ReleaseArchive, ReleaseLedger, SupersededProposal
from functions.promote_image.roll_out import RollOut

STEP = "rollback"


def handle_rollback(
    event: RollbackRequested, *, ledger: ReleaseLedger, archive: ReleaseArchive, images: ImageStore, roll_out: RollOut
) -> ReleaseStarted | ReleaseSuperseded | ReleaseFailed:
    """Begin a release like release `to`, under a new number; if that is impossible, say why and change nothing."""
    target = archive.find(event.app, event.environment, event.to)
    if target is None:
        return _failed(event, "", f"release v{event.to} does not exist: `paas releases` lists the releases")
    if not images.has(target.image, target.digest):
        reason = f"the image of release v{event.to} was deleted, as old images are after a while: push its commit again"
        return _failed(event, target.sha, reason)
    begun = ledger.begin(_proposal(target, event))
    if isinstance(begun, SupersededProposal):
        return _failed(event, target.sha, begun.reason)
    return roll_out(begun)


def _proposal(target: Release, event: RollbackRequested) -> Proposal:
    return Proposal(
        cause=CURRENT_CAUSE.get().id,
        app=event.app,
        environment=event.environment,
        kind=ReleaseKind.ROLLBACK,
        digest=target.digest,
        image=target.image,
        processes=target.processes,
        sha=target.sha,
        note=f"rollback to v{target.number}" + (f" by {event.actor}" if event.actor else ""),
    )


def _failed(event: RollbackRequested, sha: str, reason: str) -> ReleaseFailed:
    """Return the answer to a rollback that got no release and so has the number 0."""
    where = {"app": event.app, "environment": event.environment, "push": event.push}
    return ReleaseFailed(**where, release=0, sha=sha, step=STEP, reason=reason)
