"""Which commit an event is about."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """`repository` is a domain.git_url.repository_key.

    `position` orders what happens to one commit: when its push came in, or a release of another kind
    began, in microseconds.
    """

    repository: str
    sha: str
    position: int = 0


class CommitFacts(Protocol):
    """Looks commits up."""

    def of_push(self, push: str, app: str) -> Commit | None:
        """Return the commit of a push of an app."""
        ...

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit that a release runs."""
        ...
