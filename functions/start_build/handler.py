"""Orders the build of a push, and cancels what it supersedes."""

from dataclasses import replace

from functions.common.domain.build import Build, BuildOrder, BuildResult, BuildState, Image, build_name
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted, ImagePublished
from functions.common.events.push import PushSuperseded
from functions.common.ports.builds import Beginning, Builder, BuildLedger
from functions.common.ports.events import EventSink
from functions.common.ports.pushes import PushLedger

# What start-build tells.

ORDER = "order"


def order_of(event: BuildRequested) -> BuildOrder:
    """Return the order for a push, under the name of its first attempt."""
    return BuildOrder(
        name=build_name(event.app, event.environment, event.sha),
        app=event.app,
        environment=event.environment,
        push=event.push,
        clone_url=event.clone_url,
        ref=event.ref,
        sha=event.sha,
    )


def started(build: Build) -> BuildStarted:
    """Tell that the push's build is in the builder's hands."""
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
    """Tell that the push's image is there: an earlier push of the same commit built it."""
    return ImagePublished.of(replace(build, push=event.push, sequence=event.sequence), image)


def superseded(event: BuildRequested, push: str, reason: str) -> PushSuperseded:
    """Tell that a push of this commit gave way."""
    where = {"app": event.app, "environment": event.environment}
    return PushSuperseded(**where, push=push, repository=event.repository, sha=event.sha, reason=reason)


def refused(build: Build) -> BuildFailed:
    """Tell that the builder can never do this order."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    what = {"repository": build.repository, "build": build.name, "sha": build.sha}
    return BuildFailed(**where, **what, step=build.step, reason=build.reason)


def has_ended_otherwise(state: PushState | None) -> bool:
    """Return whether the push came to an end that is not that of giving way."""
    return state is not None and state.is_final and state is not PushState.SUPERSEDED


# A build is requested: begin it, use one that is there, or give way to a newer push.


def handle_request(
    event: BuildRequested, *, builds: BuildLedger, pushes: PushLedger, builder: Builder, sink: EventSink
) -> Event | None:
    """Bring the push's build on its way; every step is safe to repeat after a crash anywhere."""
    order = order_of(event)
    begun = builds.begin(order, repository=event.repository, sequence=event.sequence)
    for name in begun.cancel:
        builder.cancel(name)
    for push in begun.adopted:
        sink.publish(superseded(event, push, f"push {event.push} takes over its build"), discriminator=push)
    if begun.build is None:
        return _give_way(event, begun, pushes)
    if begun.build.push != event.push and begun.build.image:
        return published(event, begun.build, begun.build.image)
    if begun.build.state is BuildState.RUNNING:
        try:
            _start(begun.build, replace(order, name=begun.build.name), builder)
        except Rejected as error:
            return _refuse(begun.build, str(error), builds, pushes)
        pushes.advance(event.push, event.app, PushState.BUILDING)
    return started(begun.build)


def _start(build: Build, order: BuildOrder, builder: Builder) -> None:
    builder.start(order)
    if build.superseded_by:
        # Cancelled between an earlier try's record and its order: the builder did not know it then.
        builder.cancel(build.name)


def _give_way(event: BuildRequested, begun: Beginning, pushes: PushLedger) -> PushSuperseded | None:
    if has_ended_otherwise(begun.push_state):
        return None
    if begun.push_state is PushState.SUPERSEDED:
        return superseded(event, event.push, begun.push_reason)
    pushes.advance(event.push, event.app, PushState.SUPERSEDED, reason=begun.overtaken)
    return superseded(event, event.push, begun.overtaken)


def _refuse(build: Build, reason: str, builds: BuildLedger, pushes: PushLedger) -> Event:
    result = BuildResult(name=build.name, state=BuildState.FAILED, step=ORDER, reason=reason)
    builds.end(result)
    pushes.advance(build.push, build.app, PushState.FAILED, step=ORDER, reason=reason)
    return refused(replace(build, step=ORDER, reason=reason))
