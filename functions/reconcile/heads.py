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
        for_each(self.memory.due(limit=LIMIT), self._look, what="heads")

    def _look(self, watched: Watched) -> None:
        heads = self.forge.heads(watched.clone_url)
        if heads is None:
            self.memory.looked(watched.repository)
            return
        seen = watched.heads or {}
        for branch, sha in _changed(watched, heads).items():
            if not self.sightings.known(watched.repository, branch, sha, within=GRACE):
                push = push_received(watched, branch, seen.get(branch, ""), sha)
                publish_for(push, watched, f"refs/heads/{branch}@{sha}", self.sink)
        for branch in sorted(seen.keys() - heads.keys()):
            deletion = branch_deleted(watched, branch, seen[branch])
            publish_for(deletion, watched, f"refs/heads/{branch}@-{seen[branch]}", self.sink)
        self.memory.remember(watched.repository, heads)


def _changed(watched: Watched, heads: Mapping[str, str]) -> dict[str, str]:
    """Return the heads to care for. At first sight only those that an app without a push waits for."""
    if watched.heads is None:
        return {branch: sha for branch, sha in heads.items() if branch in watched.unpushed}
    return {branch: sha for branch, sha in heads.items() if watched.heads.get(branch) != sha}
