"""Releases the image of a push, unless a newer one was released first."""

from functions.common.domain.build import Image
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseKind
from functions.common.errors import Rejected
from functions.common.events.base import CURRENT_CAUSE
from functions.common.events.build import ImagePublished
from functions.common.events.release import ReleaseFailed, ReleaseStarted, ReleaseSuperseded
from functions.common.ports.builds import BuiltImages
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import Proposal, ReleaseLedger, SupersededProposal
from functions.promote_image.declared import Declaring
from functions.promote_image.roll_out import RollOut


def handle_image(
    event: ImagePublished,
    *,
    built: BuiltImages,
    ledger: ReleaseLedger,
    pushes: PushLedger,
    roll_out: RollOut,
    declare: Declaring,
) -> ReleaseStarted | ReleaseSuperseded | ReleaseFailed:
    """Begin the release and ask for its workload; a push that is older than the newest release is superseded.

    Only what a recorded build of the app made is released for a push, with the config that its repository declares.
    """
    image = Image(digest=event.digest, reference=event.image, processes=event.processes)
    if built.of_build(event.build) != (event.app, image):
        msg = f"build {event.build} of {event.app} did not make the image {event.image}@{event.digest}"
        raise Rejected(msg)
    proposal = Proposal(
        cause=CURRENT_CAUSE.get().id,
        app=event.app,
        environment=event.environment,
        kind=ReleaseKind.PUSH,
        digest=event.digest,
        image=event.image,
        processes=event.processes,
        sha=event.sha,
        push=event.push,
        sequence=event.sequence,
    )
    refusal = declare(event)
    begun = ledger.begin(proposal)
    if not isinstance(begun, SupersededProposal):
        return roll_out(begun, refusal=refusal)
    pushes.advance(event.push, event.app, PushState.SUPERSEDED, reason=begun.reason)
    where = {"app": event.app, "environment": event.environment, "push": event.push}
    return ReleaseSuperseded(**where, sha=event.sha, reason=begun.reason)
