"""The git server: branch heads, repositories, commit statuses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions.common.domain.push import Push

# What the forge knows better than any webhook.


class ForgeHeads(Protocol):
    """Reads the branch heads of repositories."""

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha, or None when this repository cannot be read (no access, not known)."""
        ...

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha, empty when it does not exist, None when it cannot be read."""
        ...


class Repositories(Protocol):
    """Makes the repositories that users push to."""

    def create(self, name: str) -> str:
        """Make the repository and its webhook, and return its clone URL; a repeat changes nothing."""
        ...

    def delete(self, name: str) -> None:
        """Delete the repository; none there is no error."""
        ...


class CommitStatuses(Protocol):
    """Shows at a commit what became of it."""

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set the status `context` of a commit; state is pending, success, failure or error."""
        ...


# The branch heads that were last seen at forges.


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingHead:
    """A head that was read and that no push is known for.

    `since` is when it was first read. It is `overdue` when its webhook has had its time to come.
    """

    sha: str
    since: datetime
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A repository that has apps. `read_at` is when its heads were last read, None before the first time.

    `handled` holds for each branch the newest head that a push is known for, `pending` the newer head read since.
    `pushed` are branches that pushes came in for since the last read.
    `awaited` are the production branches of its apps, except apps that had all their pushes elsewhere: an app
    that moves to another repository or branch keeps its release until something is pushed there.
    """

    repository: str
    clone_url: str
    read_at: datetime | None
    handled: Mapping[str, str]
    pending: Mapping[str, PendingHead]
    pushed: frozenset[str]
    awaited: frozenset[str]


class HeadMemory(Protocol):
    """Remembers heads."""

    def due(self, *, limit: int, patience: timedelta) -> tuple[Watched, ...]:
        """Return repositories with apps, the one that was checked longest ago first.

        A pending head is overdue when it was first read longer ago than `patience`.
        """
        ...

    def remember(self, repository: str, heads: Mapping[str, str], *, handled: Collection[str]) -> None:
        """Replace what was last read of a repository; pushes are known for the heads of the branches in `handled`."""
        ...

    def unreadable(self, repository: str) -> None:
        """Note that the repository could not be read: others come first now."""
        ...


class BranchPushes(Protocol):
    """Reads what came in for a branch."""

    def of_branch(self, repository: str, branch: str, *, limit: int) -> tuple[Push, ...]:
        """Return the branch's newest recorded pushes, newest first: one for each app that has this repository.

        A push that no app matched is among them, with an empty `app`.
        """
        ...

    def delivered(self, sha: str, *, within: timedelta) -> bool:
        """Return whether a webhook delivery of the commit came in so recently."""
        ...
