"""What a report means, and whether it says what is recorded."""

from functions.common.domain.build import CLOSINGS, Build, BuildResult, BuildState, Image
from functions.common.events.build import BuildEnded
from functions.common.ports.build_ledger import Ended

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
