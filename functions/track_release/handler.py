"""Records what the deployer reports of a release, and publishes its end."""

from collections.abc import Callable

from functions.common.domain.addresses import Addresses
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState, WorkloadPhase
from functions.common.events.base import CURRENT_CAUSE
from functions.common.events.envelope import Envelope
from functions.common.events.release import ReleaseFailed, ReleaseLive, WorkloadChanged, release_failed
from functions.common.ports.pushes import PushLedger
from functions.common.ports.releases import ObservedRelease, ReleaseProgress

LOG_TAIL_BYTES = 4096
_STEPS = {WorkloadPhase.RELEASING: "release command", WorkloadPhase.STARTING: "health check"}


def handle(
    event: WorkloadChanged, *, releases: ReleaseProgress, pushes: PushLedger, addresses: Addresses
) -> ReleaseLive | ReleaseFailed | None:
    """Record one report. Reports on ended releases change nothing; the report of an end gets the same reply again."""
    if event.phase in {"live", "failed"}:
        return _record_end(event, releases=releases, pushes=pushes, addresses=addresses)
    where = (event.app, event.environment, event.release)
    seen = releases.record_step(*where, step=current_step(event))
    if seen and seen.release.state is ReleaseState.STARTED and seen.release.push:
        pushes.advance(seen.release.push, event.app, PushState.RELEASING, step=seen.release.step)
    return None


def handle_object(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], WorkloadChanged | None],
    record: Callable[[WorkloadChanged], None],
    handle: Callable[[WorkloadChanged], ReleaseLive | ReleaseFailed | None],
) -> ReleaseLive | ReleaseFailed | None:
    """Handle what a changed object in the cluster says of a release; ignore other objects."""
    seen = read(envelope)
    if seen is None:
        return None
    record(seen)
    return handle(seen)


def current_step(event: WorkloadChanged) -> str:
    """Return the step that an unfinished release is at."""
    return event.step or _STEPS.get(WorkloadPhase(event.phase)) or f"canary {event.weight} %"


def _record_end(
    event: WorkloadChanged, *, releases: ReleaseProgress, pushes: PushLedger, addresses: Addresses
) -> ReleaseLive | ReleaseFailed | None:
    """Reply only to the event that reported the end first, again when it is delivered again.

    An app that scales to zero and wakes is reported as live each time: a reply to each would wake functions.
    """
    cause, end = CURRENT_CAUSE.get().id, ReleaseState(event.phase)
    where = (event.app, event.environment, event.release)
    seen = releases.finish(*where, end, step=event.step, reason=event.reason, ended_by=cause)
    if seen is None or seen.ended_by not in {"", cause}:
        return None
    if end is ReleaseState.LIVE:
        return _live(seen, pushes=pushes, addresses=addresses)
    return _failed(seen, event, pushes=pushes)


def _live(seen: ObservedRelease, *, pushes: PushLedger, addresses: Addresses) -> ReleaseLive | None:
    """End the push of a release that is or was live; return None for a release that ended otherwise."""
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
        url=addresses.url(addresses.host(seen.label)),
    )


def _failed(seen: ObservedRelease, event: WorkloadChanged, *, pushes: PushLedger) -> ReleaseFailed | None:
    """End the push of a release that failed; return None for a release that ended otherwise."""
    release = seen.release
    if release.state is not ReleaseState.FAILED:
        return None
    if release.push:
        pushes.advance(release.push, release.app, PushState.FAILED, step=release.step, reason=release.reason)
    return release_failed(release, log_tail=_tail(event.log_tail))


def _tail(text: str) -> str:
    """Return the end of a log, as much as an event may carry."""
    return text.encode()[-LOG_TAIL_BYTES:].decode(errors="ignore")
