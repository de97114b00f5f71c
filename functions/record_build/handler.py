"""Records the end of a build, once, and answers with what follows from it."""

from collections.abc import Callable
from contextlib import suppress

from functions.common.domain.build import CLOSINGS, Build, BuildResult, BuildState, Image
from functions.common.domain.push import PushState
from functions.common.errors import Rejected
from functions.common.events.base import Event
from functions.common.events.build import BuildEnded, BuildFailed, ImagePublished
from functions.common.events.envelope import Envelope
from functions.common.events.push import PushSuperseded
from functions.common.ports.builds import BuildLedger, Ended
from functions.common.ports.images import ImageStore
from functions.common.ports.logs import BuildLogs
from functions.common.ports.pushes import PushHistory, PushLedger

# What a report means, and whether it says what is recorded.

PUBLISH, CANCELLED, BUILD = "publish", "cancelled", "build"
TAIL_BYTES = 4096
SHOWN = 12


def result_of(event: BuildEnded, *, stored: bool) -> BuildResult:
    """Return the end that a report stands for; a success whose image is not `stored` is a failure to publish."""
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


def agrees(event: BuildEnded, build: Build) -> bool:
    """Return whether the report is the one that was recorded; digests and images may come and go later."""
    if BuildState(event.state) is BuildState.SUCCEEDED:
        missed = build.state is BuildState.FAILED and build.step == PUBLISH and event.digest in build.reason
        return missed or (build.image is not None and build.image.digest == event.digest)
    return event.state == build.state


def why_superseded(ended: Ended) -> str:
    """Return for whose sake the build was cancelled, as a sentence."""
    closing = CLOSINGS.get(ended.build.superseded_by)
    return closing or f"the newer push of {ended.heir[:SHOWN] or 'another commit'} takes its place"


def tail(text: str) -> str:
    """Return the last lines of a log, at most 4 kB in UTF-8, without the NUL that no database keeps."""
    return text.replace("\0", "").encode()[-TAIL_BYTES:].decode(errors="ignore")


# What record-build tells, by what is recorded.


def failed(build: Build) -> BuildFailed:
    """Tell why there is no image."""
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
    """Tell that the push gave way."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    return PushSuperseded(**where, repository=build.repository, sha=build.sha, reason=reason)


# A builder reports an end: the first report stands.


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
