"""A build is requested: begin it, use one that is there, or give way to a newer push."""

from dataclasses import replace

from functions.common.domain.build import Build, BuildOrder, BuildResult, BuildState
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildRequested
from functions.common.events.push import PushSuperseded
from functions.common.ports.build_ledger import Beginning, BuildLedger
from functions.common.ports.builder import Builder
from functions.common.ports.event_sink import EventSink
from functions.common.ports.push_ledger import PushLedger
from functions.start_build.replies import (
    ORDER,
    has_ended_otherwise,
    order_of,
    published,
    refused,
    started,
    superseded,
)


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
