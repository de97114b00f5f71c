"""Follows a release by what is observed: progress is noted, and its end ends the push."""

from collections.abc import Callable

from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.base import CURRENT_CAUSE
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
    """Take over one report; those on ended releases change nothing, and the event of an end gives the same reply."""
    if event.phase in {"live", "failed"}:
        return _ended(event, releases=releases, pushes=pushes, addresses=addresses)
    where = (event.app, event.environment, event.release)
    seen = releases.note(*where, step=progress(event))
    if seen and seen.release.state is ReleaseState.STARTED and seen.release.push:
        pushes.advance(seen.release.push, event.app, PushState.RELEASING, step=seen.release.step)
    return None


def _ended(
    event: WorkloadChanged, *, releases: ReleaseProgress, pushes: PushLedger, addresses: Addresses
) -> ReleaseLive | ReleaseFailed | None:
    """Reply to the event that told of the end first, again when it is delivered again.

    An app that rests and wakes is reported as live for ever after: that is no news, and would wake functions.
    """
    cause, end = CURRENT_CAUSE.get().id, ReleaseState(event.phase)
    where = (event.app, event.environment, event.release)
    seen = releases.finish(*where, end, step=event.step, reason=event.reason, ended_by=cause)
    if seen is None or seen.ended_by not in {"", cause}:
        return None
    if end is ReleaseState.LIVE:
        return live(seen, pushes=pushes, addresses=addresses)
    return failed(seen, event, pushes=pushes)


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
