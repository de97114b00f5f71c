"""The events that a webhook would have given."""

from functions.common.events.base import CURRENT_CAUSE, Cause, event_id
from functions.common.events.push import BranchDeleted, PushReceived, Repository
from functions.common.ports.event_sink import EventSink
from functions.common.ports.head_memory import Watched

PROVIDER = "reconcile"
_NO_COMMIT = "0" * 40


def push_received(watched: Watched, branch: str, before: str, sha: str) -> PushReceived:
    """Return the push of a branch; what changed in it is not known."""
    return PushReceived(
        provider=PROVIDER,
        delivery=f"{PROVIDER}-{sha}",
        repository=_repository(watched),
        ref=f"refs/heads/{branch}",
        branch=branch,
        before=before or _NO_COMMIT,
        after=sha,
    )


def branch_deleted(watched: Watched, branch: str, sha: str) -> BranchDeleted:
    """Return the deletion of a branch whose last head was `sha`."""
    repository = _repository(watched)
    return BranchDeleted(provider=PROVIDER, delivery=f"{PROVIDER}-{sha}", repository=repository, branch=branch)


def publish_for(event: PushReceived | BranchDeleted, watched: Watched, change: str, sink: EventSink) -> None:
    """Publish the event under an id that follows from the change alone: finding it twice gives one push."""
    tick = CURRENT_CAUSE.get()
    source = f"/slipway/reconcile/{watched.repository}"
    cause = Cause(function=PROVIDER, source=source, id=change, traceparent=tick.traceparent)
    token = CURRENT_CAUSE.set(cause)
    try:
        push = event_id(cause, event) if isinstance(event, PushReceived) else ""
        sink.publish(event.model_copy(update={"push": push}))
    finally:
        CURRENT_CAUSE.reset(token)


def _repository(watched: Watched) -> Repository:
    full_name = "/".join(watched.repository.split("/")[1:])
    return Repository(full_name=full_name, urls=(watched.clone_url,))
