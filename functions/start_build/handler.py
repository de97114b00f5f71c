"""Orders the build of a push, and cancels the builds that it supersedes."""

from dataclasses import replace

from functions.common.domain.build import Build, BuildOrder, BuildResult, BuildState, Image, build_name
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted, ImagePublished
from functions.common.events.push import PushSuperseded
from functions.common.ports.builds import Builder, BuildLedger, BuildStart
from functions.common.ports.events import EventSink
from functions.common.ports.pushes import PushLedger

STEP = "order"


def handle_request(
    event: BuildRequested, *, builds: BuildLedger, pushes: PushLedger, builder: Builder, sink: EventSink, most: int
) -> Event | None:
    """Begin the push's build, use one that exists, or end the push: as superseded, or beyond the `most` builds.

    Every step is safe to repeat after a crash.
    """
    order = order_of(event)
    begun = builds.begin(order, repository=event.repository, sequence=event.sequence, most=most)
    for name in begun.cancel:
        builder.cancel(name)
    for push in begun.adopted:
        sink.publish(superseded(event, push, f"push {event.push} takes over its build"), discriminator=push)
    if begun.is_crowded or begun.push_reason == _crowded(event, most):
        return _refuse(event, _crowded(event, most), pushes)
    if begun.build is None:
        return _supersede(event, begun, pushes)
    if begun.build.push != event.push and begun.build.image:
        return published(event, begun.build, begun.build.image)
    if begun.build.state is BuildState.RUNNING:
        try:
            _start(begun.build, replace(order, name=begun.build.name), builder)
        except Rejected as error:
            return _fail(begun.build, str(error), builds, pushes)
        pushes.advance(event.push, event.app, PushState.BUILDING)
    return started(begun.build)


def order_of(event: BuildRequested) -> BuildOrder:
    """Return the order for a push, under the name of its first attempt."""
    return BuildOrder(
        name=build_name(event.app, event.environment, event.sha, event.root),
        app=event.app,
        environment=event.environment,
        push=event.push,
        clone_url=event.clone_url,
        ref=event.ref,
        sha=event.sha,
        root=event.root,
    )


def started(build: Build) -> BuildStarted:
    """Return the event of a build that the builder has."""
    return BuildStarted(
        app=build.app,
        environment=build.environment,
        push=build.push,
        repository=build.repository,
        build=build.name,
        sha=build.sha,
        sequence=build.sequence,
    )


def published(event: BuildRequested, build: Build, image: Image) -> ImagePublished:
    """Return the event of an image that an earlier push of the same commit built."""
    return ImagePublished.of(replace(build, push=event.push, sequence=event.sequence), image)


def superseded(event: BuildRequested, push: str, reason: str) -> PushSuperseded:
    """Return the event of a superseded push of this commit."""
    where = {"app": event.app, "environment": event.environment}
    return PushSuperseded(**where, push=push, repository=event.repository, sha=event.sha, reason=reason)


def failed(build: Build) -> BuildFailed:
    """Return the event of a build that failed."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    what = {"repository": build.repository, "build": build.name, "sha": build.sha}
    return BuildFailed(**where, **what, step=build.step, reason=build.reason)


def _start(build: Build, order: BuildOrder, builder: Builder) -> None:
    builder.start(order)
    if build.superseded_by:
        # It was cancelled after an earlier attempt had recorded it and before the builder knew it.
        builder.cancel(build.name)


def _supersede(event: BuildRequested, begun: BuildStart, pushes: PushLedger) -> PushSuperseded | None:
    """End a push that needs no build as superseded; one that has ended otherwise gets no reply."""
    state, reason = begun.push_state, begun.overtaken
    if state is PushState.SUPERSEDED:
        reason = begun.push_reason
    elif state is not None and state.is_final:
        return None
    else:
        pushes.advance(event.push, event.app, PushState.SUPERSEDED, reason=reason)
    return superseded(event, event.push, reason)


def _crowded(event: BuildRequested, most: int) -> str:
    return (
        f"{most} builds of {event.app} wait or run, as many as it may have: push again when one has ended; an operator "
        "can allow more by SLIPWAY_MAX_BUILDS"
    )


def _refuse(event: BuildRequested, reason: str, pushes: PushLedger) -> BuildFailed:
    pushes.advance(event.push, event.app, PushState.FAILED, step=STEP, reason=reason)
    where = {"app": event.app, "environment": event.environment, "push": event.push}
    return BuildFailed(**where, repository=event.repository, build="", sha=event.sha, step=STEP, reason=reason)


def _fail(build: Build, reason: str, builds: BuildLedger, pushes: PushLedger) -> BuildFailed:
    """End the build and its push: the builder can never do this order."""
    builds.end(BuildResult(name=build.name, state=BuildState.FAILED, step=STEP, reason=reason))
    pushes.advance(build.push, build.app, PushState.FAILED, step=STEP, reason=reason)
    return failed(replace(build, step=STEP, reason=reason))
