"""Finds pushes whose webhook never came: what forges say against what was last seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from functions.common.ports.event_sink import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.head_memory import HeadMemory, PushSightings, Watched
from functions.reconcile.each import for_each
from functions.reconcile.head_events import branch_deleted, publish_for, push_received

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
