"""Compares the branch heads of forges with the pushes that came in, and publishes the events that are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.common.domain.git_url import full_name_of
from functions.common.domain.push import Push, PushCode, is_zero
from functions.common.events.base import CURRENT_CAUSE, Cause, event_id
from functions.common.events.push import BranchDeleted, PushReceived, Repository
from functions.common.ports.events import EventSink
from functions.common.ports.forge import BranchPushes, ForgeHeads, HeadRecords, PendingHead, WatchedRepository
from functions.reconcile.handler import for_each

PROVIDER = "reconcile"
REPOSITORIES = 100  # a tick
PUSHES = 200  # of a branch; older ones decide nothing any more
# A webhook knows more of a push than its head (what changed, the message), so reconcile waits this long for it.
GRACE = timedelta(seconds=15)
_NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Step: branches that moved, appeared or disappeared without a webhook."""

    memory: HeadRecords
    pushes: BranchPushes
    forge: ForgeHeads
    sink: EventSink

    def __call__(self) -> None:
        """Check the repositories that have apps, a limited number at a time."""
        for_each(self.memory.due(limit=REPOSITORIES, patience=GRACE), self._check, what="heads")

    def _check(self, watched: WatchedRepository) -> None:
        heads = self.forge.heads(watched.clone_url)
        if heads is None:
            self.memory.mark_unreadable(watched.repository)
            return
        changed = _changed(watched, heads)
        handled = heads.keys() - {branch for branch in changed if not self._handle(watched, branch, heads[branch])}
        for branch in sorted(watched.handled.keys() - heads.keys()):
            self._publish_deletion(watched, branch)
        self.memory.record(watched.repository, heads, handled=handled)

    def _handle(self, watched: WatchedRepository, branch: str, sha: str) -> bool:
        """Return whether a push of the head is known, or is published now because its webhook is overdue."""
        recorded = self.pushes.of_branch(watched.repository, branch, limit=PUSHES)
        absent = _last_read_without(watched, branch)
        if absent:
            recorded = tuple(push for push in recorded if push.received_at and push.received_at > absent - GRACE)
        if is_known(sha, recorded) or self.pushes.was_delivered(sha, within=GRACE):
            return True
        pending = watched.pending.get(branch)
        if pending is None or pending.sha != sha or not pending.overdue:
            return False
        self._publish_push(watched, branch, pending)
        return True

    def _publish_push(self, watched: WatchedRepository, branch: str, head: PendingHead) -> None:
        # `since` is part of the id: the branch may come back to the same commit, which is another push.
        cause = _cause(watched, f"refs/heads/{branch}@{head.sha} since {head.since.isoformat()}")
        event = PushReceived(
            provider=PROVIDER,
            delivery=f"{PROVIDER}-{head.sha}",
            repository=_repository(watched),
            ref=f"refs/heads/{branch}",
            branch=branch,
            before=watched.handled.get(branch, _NO_COMMIT),
            after=head.sha,
        )
        self._publish(event.model_copy(update={"push": event_id(cause, event)}), cause)

    def _publish_deletion(self, watched: WatchedRepository, branch: str) -> None:
        last = watched.handled[branch]
        repository, delivery = _repository(watched), f"{PROVIDER}-{last}"
        event = BranchDeleted(provider=PROVIDER, delivery=delivery, repository=repository, branch=branch)
        # `read_at` stays until this read is remembered, so a repeat has the same id and a later deletion another.
        self._publish(event, _cause(watched, f"refs/heads/{branch}@-{last} after {_utc(watched.read_at)}"))

    def _publish(self, event: PushReceived | BranchDeleted, cause: Cause) -> None:
        """Publish the event under an id that follows from the change alone: finding it twice gives one event."""
        token = CURRENT_CAUSE.set(cause)
        try:
            self.sink.publish(event)
        finally:
            CURRENT_CAUSE.reset(token)


def is_known(sha: str, pushes: Sequence[Push]) -> bool:
    """Return whether the recorded pushes of a branch, newest first, account for its head.

    Each app decides for itself. Pushes that no app matched count only while no app has a push.
    """
    names = {push.app for push in pushes if push.app} or {""}
    of_apps = [[push for push in pushes if push.app == name] for name in names]
    concerned = [of_app for of_app in of_apps if any(push.sha == sha for push in of_app)]
    return bool(concerned) and all(_has_handled(sha, of_app) for of_app in concerned)


def _has_handled(sha: str, pushes: Sequence[Push]) -> bool:
    """Return whether the app's newest push is one of the head, in whatever order deliveries came in.

    resolve-app drops a push that its branch had moved on from: it says nothing of a later head. So the last
    push that it took is the newest one, unless a filter ignored that of the head. A filtered push may be
    recorded before the push that it was made on: their order follows from the commits.
    """
    taken = [push for push in pushes if not push.is_dropped]
    effective = [push for push in taken if not _is_passive(push)][:1]
    if effective and effective[0].sha == sha:
        return True
    passive = [push for push in taken if _is_passive(push)]
    others = effective + [push for push in passive if push.sha != sha]
    of_head = [push for push in passive if push.sha == sha]
    return any(not any(_is_later(other, push, pushes) for other in others) for push in of_head)


def _is_passive(push: Push) -> bool:
    return push.is_filtered or push.code == PushCode.NO_APP


def _is_later(other: Push, push: Push, pushes: Sequence[Push]) -> bool:
    """Return whether the other push came after this one: by the commits they were made on, else by arrival."""
    if other.sha in _earlier_heads(push, pushes):
        return False
    by_arrival = bool(other.received_at and push.received_at and other.received_at > push.received_at)
    return by_arrival or push.sha in _earlier_heads(other, pushes)


def _earlier_heads(push: Push, pushes: Sequence[Push]) -> set[str]:
    """Return the heads that the branch had before a push, as far as pushes are recorded."""
    heads: set[str] = set()
    found = {push.before}
    while found:
        heads |= found
        found = {other.before for other in pushes if other.sha in found} - heads
    return {head for head in heads if not is_zero(head)}


def _changed(watched: WatchedRepository, heads: Mapping[str, str]) -> list[str]:
    """Return the branches that moved or had pushes; at the first read only those that an app awaits pushes of."""
    if watched.read_at is None:
        return [branch for branch in heads if branch in watched.awaited]
    moved = {branch for branch, sha in heads.items() if watched.handled.get(branch) != sha}
    return [branch for branch in heads if branch in moved | watched.pushed]


def _last_read_without(watched: WatchedRepository, branch: str) -> datetime | None:
    """Return until when the branch did not exist, if it was read so: pushes before that are of a deleted branch."""
    if branch in watched.handled:
        return None
    pending = watched.pending.get(branch)
    return pending.since if pending else watched.read_at


def _cause(watched: WatchedRepository, change: str) -> Cause:
    source = f"/slipway/reconcile/{watched.repository}"
    return Cause(function=PROVIDER, source=source, id=change, traceparent=CURRENT_CAUSE.get().traceparent)


def _repository(watched: WatchedRepository) -> Repository:
    return Repository(full_name=full_name_of(watched.clone_url), urls=(watched.clone_url,))


def _utc(time: datetime | None) -> str:
    return time.isoformat() if time else ""
