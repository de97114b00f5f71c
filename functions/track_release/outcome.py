"""What a release's end means for its push."""

from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.release import ReleaseFailed, ReleaseLive, WorkloadChanged, release_failed
from functions.common.ports.push_ledger import PushLedger
from functions.common.ports.release_progress import Observed
from functions.track_release.address import Addresses
from functions.track_release.report import log_tail


def live(seen: Observed, *, pushes: PushLedger, addresses: Addresses) -> ReleaseLive | None:
    """Return the event of a release that is, or was, live; None for one that ended otherwise."""
    release = seen.release
    if release.state not in {ReleaseState.LIVE, ReleaseState.RETIRED}:
        return None
    if release.push:
        pushes.advance(release.push, release.app, PushState.LIVE)
    return ReleaseLive(
        app=release.app,
        environment=release.environment,
        push=release.push,
        release=release.number,
        digest=release.digest,
        sha=release.sha,
        url=addresses.url(seen.label),
    )


def failed(seen: Observed, event: WorkloadChanged, *, pushes: PushLedger) -> ReleaseFailed | None:
    """Return the event of a release that failed; None for one that ended otherwise."""
    release = seen.release
    if release.state is not ReleaseState.FAILED:
        return None
    if release.push:
        pushes.advance(release.push, release.app, PushState.FAILED, step=release.step, reason=release.reason)
    return release_failed(release, log_tail=log_tail(event.log_tail))
