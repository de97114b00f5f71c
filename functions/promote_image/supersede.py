"""Tells what was superseded."""

from functions.common.domain.push import PushState
from functions.common.domain.release import Release
from functions.common.events.release import ReleaseSuperseded
from functions.common.ports.event_sink import EventSink
from functions.common.ports.push_ledger import PushLedger


def tell_superseded(displaced: tuple[Release, ...], *, heir: str, pushes: PushLedger, sink: EventSink) -> None:
    """End the pushes of displaced releases and publish it; a push that the `heir` release carries on is not over."""
    for release in displaced:
        if release.push and release.push == heir:
            continue
        if release.push:
            pushes.advance(release.push, release.app, PushState.SUPERSEDED, reason=release.reason)
        sink.publish(superseded(release), discriminator=f"v{release.number}")


def superseded(release: Release) -> ReleaseSuperseded:
    """Return the event for a release that was superseded."""
    return ReleaseSuperseded(
        app=release.app,
        environment=release.environment,
        push=release.push,
        sha=release.sha,
        reason=release.reason,
    )
