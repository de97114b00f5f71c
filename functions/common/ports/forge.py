"""The git server: branch heads, repositories, commit statuses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

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
class Watched:
    """A repository that has apps. `heads` are those already dealt with, None when it was never read.

    `waiting` are heads read some time ago and not dealt with since: their webhook had its time to come.
    `awaited` are the production branches of its apps, but of those that had all their pushes elsewhere: an app
    that is moved to another repository or branch keeps what it runs until something is pushed there.
    """

    repository: str
    clone_url: str
    heads: Mapping[str, str] | None
    waiting: Mapping[str, str]
    awaited: frozenset[str]


class HeadMemory(Protocol):
    """Remembers heads."""

    def due(self, *, limit: int, patience: timedelta) -> tuple[Watched, ...]:
        """Return repositories with apps, those first that were not looked at for the longest.

        A head first read longer ago than `patience` is among the waiting.
        """
        ...

    def remember(self, repository: str, heads: Mapping[str, str], *, settled: Collection[str]) -> None:
        """Replace what was last seen of a repository; the branches in `settled` are dealt with."""
        ...

    def looked(self, repository: str) -> None:
        """Note that the repository was looked at in vain: others come first now."""
        ...


class PushSightings(Protocol):
    """Tells whether a head came in by a webhook."""

    def known(self, repository: str, branch: str, sha: str, *, within: timedelta) -> bool:
        """Return whether the branch's newest push has this sha, or any delivery of the sha came in so recently."""
        ...
