"""The newest status of each commit and context."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is to be shown at a commit; `event` is the event it tells of.

    Of two of a commit and context, the one with the greater (position, rank) is the newer.
    """

    repository: str
    sha: str
    context: str
    event: str
    position: int
    rank: int
    state: str
    description: str
    target_url: str


class StatusJournal(Protocol):
    """Keeps an older status from overwriting a newer one."""

    def offer(self, status: Status) -> Status:
        """Remember the status unless a newer one is known; return the newest."""
        ...
