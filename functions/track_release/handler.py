"""Follows a release by what is observed: progress is noted, and its end ends the push."""

from collections.abc import Callable

from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.envelope import Envelope
from functions.common.events.release import ReleaseFailed, ReleaseLive, WorkloadChanged
from functions.common.ports.push_ledger import PushLedger
from functions.common.ports.release_progress import ReleaseProgress
from functions.track_release.address import Addresses
from functions.track_release.outcome import failed, live
from functions.track_release.report import progress


def handle(
    event: WorkloadChanged, *, releases: ReleaseProgress, pushes: PushLedger, addresses: Addresses
) -> ReleaseLive | ReleaseFailed | None:
    """Take over one report; those on ended releases change nothing, and the same end gives the same reply."""
    where = (event.app, event.environment, event.release)
    if event.phase == "live":
        seen = releases.finish(*where, ReleaseState.LIVE)
        return live(seen, pushes=pushes, addresses=addresses) if seen else None
    if event.phase == "failed":
        seen = releases.finish(*where, ReleaseState.FAILED, step=event.step, reason=event.reason)
        return failed(seen, event, pushes=pushes) if seen else None
    seen = releases.note(*where, step=progress(event))
    if seen and seen.release.state is ReleaseState.STARTED and seen.release.push:
        pushes.advance(seen.release.push, event.app, PushState.RELEASING, step=seen.release.step)
    return None


def handle_object(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], WorkloadChanged | None],
    record: Callable[[WorkloadChanged], None],
    follow: Callable[[WorkloadChanged], ReleaseLive | ReleaseFailed | None],
) -> ReleaseLive | ReleaseFailed | None:
    """Take over what a changed object in the cluster says of a release; others are none of ours."""
    seen = read(envelope)
    if seen is None:
        return None
    record(seen)
    return follow(seen)
