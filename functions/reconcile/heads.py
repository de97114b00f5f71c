"""Compares the heads that forges have with those that were pushed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.common.events.base import CURRENT_CAUSE, Cause, event_id
from functions.common.events.push import BranchDeleted, PushReceived, Repository
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads, HeadMemory, PushSightings, Watched
from functions.reconcile.handler import for_each

# The events that a webhook would have given.

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


# Finds pushes whose webhook never came: what forges say against what was last seen.

LIMIT = 100
# A webhook knows more of a push than the head (what changed, the message), so it is given time to come.
GRACE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Step: branches that moved, came or went without a webhook."""

    memory: HeadMemory
    sightings: PushSightings
    forge: ForgeHeads
    sink: EventSink

    def __call__(self) -> None:
        """Look at each repository that has apps, some at a time."""
        for_each(self.memory.due(limit=LIMIT, patience=GRACE), self._look, what="heads")

    def _look(self, watched: Watched) -> None:
        heads = self.forge.heads(watched.clone_url)
        if heads is None:
            self.memory.looked(watched.repository)
            return
        changed = _changed(watched, heads)
        settled = heads.keys() - {branch for branch in changed if not self._settle(watched, branch, heads[branch])}
        seen = watched.heads or {}
        for branch in sorted(seen.keys() - heads.keys()):
            deletion = branch_deleted(watched, branch, seen[branch])
            publish_for(deletion, watched, f"refs/heads/{branch}@-{seen[branch]}", self.sink)
        self.memory.remember(watched.repository, heads, settled=settled)

    def _settle(self, watched: Watched, branch: str, sha: str) -> bool:
        """Return whether the head needs no further look: a push of it is known, or is made now."""
        if self.sightings.known(watched.repository, branch, sha, within=GRACE):
            return True
        if watched.waiting.get(branch) != sha:
            return False
        push = push_received(watched, branch, (watched.heads or {}).get(branch, ""), sha)
        publish_for(push, watched, f"refs/heads/{branch}@{sha}", self.sink)
        return True


def _changed(watched: Watched, heads: Mapping[str, str]) -> list[str]:
    """Return the branches to care for. At first sight only those that an app awaits pushes of."""
    if watched.heads is None:
        return [branch for branch in heads if branch in watched.awaited]
    return [branch for branch, sha in heads.items() if watched.heads.get(branch) != sha]
