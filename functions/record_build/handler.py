"""A builder reports an end: the first report stands."""

from collections.abc import Callable
from contextlib import suppress

from functions.common.domain.build import CLOSINGS, BuildState
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildEnded, ImagePublished
from functions.common.events.envelope import Envelope
from functions.common.ports.build_ledger import BuildLedger, Ended
from functions.common.ports.image_store import ImageStore
from functions.common.ports.logs import BuildLogs
from functions.common.ports.push_history import PushHistory
from functions.common.ports.push_ledger import PushLedger
from functions.record_build.replies import failed, superseded
from functions.record_build.verdict import agrees, result_of, why_superseded


def handle_end(
    event: BuildEnded,
    *,
    builds: BuildLedger,
    pushes: PushLedger,
    history: PushHistory,
    images: ImageStore,
    logs: BuildLogs,
) -> Event | None:
    """Record the end and tell it; the same report again tells the same, one that contradicts it nothing."""
    succeeded = BuildState(event.state) is BuildState.SUCCEEDED
    if not succeeded and _is_of_a_deleted_app(event, history):
        return None  # though a new app of its name may have taken the build's name again by now
    stored = succeeded and bool(event.digest) and images.has(event.image, event.digest)
    ended = builds.end(result_of(_with_last_lines(event, logs), stored=stored))
    if ended is None:
        if _is_of_a_deleted_app(event, history):
            return None
        msg = f"build {event.build} is not known here: nothing was ordered under this name"
        raise Rejected(msg)
    return _told(ended, pushes) if agrees(event, ended.build) else None


def handle_run(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], BuildEnded | None],
    handle: Callable[[BuildEnded], Event | None],
) -> Event | None:
    """Take over a builder's own event; runs that are not ours, or have not ended, are no news."""
    ended = read(envelope)
    return handle(ended) if ended else None


def _is_of_a_deleted_app(event: BuildEnded, history: PushHistory) -> bool:
    """Return whether the app that the build was for is gone: its pushes went with it, and nothing else takes one."""
    is_told = bool(event.app and event.push)
    return is_told and all(push.app != event.app for push in history.recorded(event.push))


def _with_last_lines(event: BuildEnded, logs: BuildLogs) -> BuildEnded:
    """Return a failure with what the build wrote last, where its builder's report does not have it."""
    if BuildState(event.state) is not BuildState.FAILED or event.log_tail:
        return event
    with suppress(Rejected):  # the end of a build is told with its log or without
        return event.model_copy(update={"log_tail": logs.tail(event.build)})
    return event


def _told(ended: Ended, pushes: PushLedger) -> Event:
    build = ended.build
    unwanted = build.state is BuildState.CANCELLED and build.superseded_by
    if unwanted or (build.image and build.superseded_by in CLOSINGS):
        reason = why_superseded(ended)
        pushes.advance(build.push, build.app, PushState.SUPERSEDED, reason=reason)
        return superseded(build, reason)
    if build.image:
        return ImagePublished.of(build, build.image)
    end = failed(build)
    pushes.advance(build.push, build.app, PushState.FAILED, step=end.step, reason=end.reason)
    return end
