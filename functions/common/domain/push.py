"""A push: one verified change of one branch, and what became of it for one app."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PushState(StrEnum):
    """`RECEIVED` to `RELEASING` move forward only; the other four are final."""

    RECEIVED = "received"
    BUILDING = "building"
    RELEASING = "releasing"
    LIVE = "live"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"

    @property
    def is_final(self) -> bool:
        """Whether nothing may follow."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({PushState.LIVE, PushState.FAILED, PushState.SUPERSEDED, PushState.IGNORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """`sequence` orders the pushes of one environment: 1 is the first, 0 means never admitted.

    `code` says in one word why a push was ignored.
    """

    id: str
    app: str
    environment: str
    repository: str
    ref: str
    before: str
    sha: str
    message: str = ""
    author: str = ""
    sequence: int = 0
    state: PushState = PushState.RECEIVED
    code: str = ""
    step: str = ""
    reason: str = ""
    received_at: datetime | None = None


def is_zero(sha: str) -> bool:
    """Return whether a sha stands for `no commit`: empty, or forty or sixty-four zeros."""
    return not sha.strip("0")
