"""The branch heads that were last seen at forges."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


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
