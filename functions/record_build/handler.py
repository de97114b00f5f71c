"""Records the end of a build, as the builder reports it, and publishes the image or the failure."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from functions.common.domain.build import CLOSINGS, Build, BuildResult, BuildState, Image, canceller
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildEnded, BuildFailed, ImagePublished
from functions.common.events.envelope import Envelope
from functions.common.events.push import PushSuperseded
from functions.common.ports.builds import BuildEnd, BuildLedger
from functions.common.ports.images import ImageStore
from functions.common.ports.logs import BuildLogs
from functions.common.ports.pushes import PushHistory, PushLedger

PUBLISH, CANCELLED, BUILD = "publish", "cancelled", "build"
TAIL_BYTES = 4096
SHOWN = 12  # characters of a sha that people read


def handle_end(
    event: BuildEnded,
    *,
    builds: BuildLedger,
    pushes: PushLedger,
    history: PushHistory,
    images: ImageStore,
    logs: BuildLogs,
) -> Event | None:
    """Record the end. The first report counts: a repeat gets the same reply, a report that contradicts it gets none."""
    succeeded = BuildState(event.state) is BuildState.SUCCEEDED
    if not succeeded and _is_of_a_deleted_app(event, history):
        return None  # a new app of the same name may have a build of this name by now
    stored = succeeded and images.is_of(event.app, event.image) and images.has(event.image, event.digest)
    ended = builds.end(result_of(_with_log(event, logs), stored=stored))
    if ended is None:
        if _is_of_a_deleted_app(event, history):
            return None
        msg = f"build {event.build} is unknown: nothing was ordered under this name"
        raise Rejected(msg)
    return _end_push(ended, pushes) if matches(event, ended.build) else None


def handle_run(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], BuildEnded | None],
    handle: Callable[[BuildEnded], Event | None],
) -> Event | None:
    """Handle a builder's own event; ignore runs that are not ours or have not ended."""
    ended = read(envelope)
    return handle(ended) if ended else None


def result_of(event: BuildEnded, *, stored: bool) -> BuildResult:
    """Return the end that was reported; a success whose image is not `stored` is a failure to publish."""
    state, step, reason = BuildState(event.state), event.step, event.reason
    if state is BuildState.SUCCEEDED and not stored:
        state, step = BuildState.FAILED, PUBLISH
        reason = f"the image {event.image}@{event.digest} is not in the image store: push again"
    image = Image(digest=event.digest, reference=event.image, processes=event.processes)
    if state is BuildState.SUCCEEDED:
        return BuildResult(name=event.build, state=state, image=image)
    step = step or (CANCELLED if state is BuildState.CANCELLED else BUILD)
    reason = reason or f"the build {state}"
    return BuildResult(name=event.build, state=state, step=step, reason=reason, log_tail=tail(event.log_tail))


def matches(event: BuildEnded, build: Build) -> bool:
    """Return whether the report says what is recorded; whether the image exists now does not matter."""
    if BuildState(event.state) is BuildState.SUCCEEDED:
        missed = build.state is BuildState.FAILED and build.step == PUBLISH and event.digest in build.reason
        return missed or (build.image is not None and build.image.digest == event.digest)
    return event.state == build.state


def tail(text: str) -> str:
    """Return the last lines of a log, at most 4 kB in UTF-8, without NUL, which the database cannot store."""
    return text.replace("\0", "").encode()[-TAIL_BYTES:].decode(errors="ignore")


def failed(build: Build) -> BuildFailed:
    """Return the event of a build without an image."""
    return BuildFailed(
        app=build.app,
        environment=build.environment,
        push=build.push,
        repository=build.repository,
        build=build.name,
        sha=build.sha,
        step=CANCELLED if build.state is BuildState.CANCELLED else build.step,
        reason=build.reason,
        log_tail=build.log_tail,
    )


def superseded(build: Build, reason: str) -> PushSuperseded:
    """Return the event of the superseded push."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    return PushSuperseded(**where, repository=build.repository, sha=build.sha, reason=reason)


def _end_push(ended: BuildEnd, pushes: PushLedger) -> Event:
    build = ended.build
    person = canceller(build.superseded_by)
    if person and build.state is not BuildState.FAILED:  # an image that was built all the same is not released
        return _fail(replace(build, step=CANCELLED, reason=f"{person} cancelled its build"), pushes)
    was_cancelled = build.state is BuildState.CANCELLED and build.superseded_by
    if was_cancelled or (build.image and build.superseded_by in CLOSINGS):
        reason = _why_superseded(ended)
        pushes.advance(build.push, build.app, PushState.SUPERSEDED, reason=reason)
        return superseded(build, reason)
    if build.image:
        return ImagePublished.of(build, build.image)
    return _fail(build, pushes)


def _fail(build: Build, pushes: PushLedger) -> BuildFailed:
    end = failed(build)
    pushes.advance(build.push, build.app, PushState.FAILED, step=end.step, reason=end.reason)
    return end


def _why_superseded(ended: BuildEnd) -> str:
    """Return in a sentence why the build was cancelled."""
    closing = CLOSINGS.get(ended.build.superseded_by)
    return closing or f"the newer push of {ended.successor[:SHOWN] or 'another commit'} takes its place"


def _is_of_a_deleted_app(event: BuildEnded, history: PushHistory) -> bool:
    """Return whether the build's app was deleted: its pushes were deleted with it, and no new app has one."""
    is_known = bool(event.app and event.push)
    return is_known and all(push.app != event.app for push in history.recorded(event.push))


def _with_log(event: BuildEnded, logs: BuildLogs) -> BuildEnded:
    """Return the report of a failure with the end of the build's log, if the builder has not sent it."""
    if BuildState(event.state) is not BuildState.FAILED or event.log_tail:
        return event
    with suppress(Rejected):  # the end of a build is reported even without its log
        return event.model_copy(update={"log_tail": logs.tail(event.build)})
    return event
