"""The branch heads that were last seen at forges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A repository that has apps. `heads` is what was last seen, None when nothing was.

    `unpushed` are the production branches of those of its apps that never had a push.
    """

    repository: str
    clone_url: str
    heads: Mapping[str, str] | None
    unpushed: frozenset[str]


class HeadMemory(Protocol):
    """Remembers heads."""

    def due(self, *, limit: int) -> tuple[Watched, ...]:
        """Return repositories with apps, those first that were not looked at for the longest."""
        ...

    def remember(self, repository: str, heads: Mapping[str, str]) -> None:
        """Replace what was last seen of a repository."""
        ...

    def looked(self, repository: str) -> None:
        """Note that the repository was looked at in vain: others come first now."""
        ...


class PushSightings(Protocol):
    """Tells whether a head came in by a webhook."""

    def known(self, repository: str, branch: str, sha: str, *, within: timedelta) -> bool:
        """Return whether the branch's newest push has this sha, or any delivery of the sha came in so recently."""
        ...
