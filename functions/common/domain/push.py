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


class PushCode(StrEnum):
    """Why a push ended without a build, in one word; the reason beside it is a sentence."""

    NO_APP = "no-app"
    SKIP_CI = "skip-ci"
    PATHS = "paths"
    DUPLICATE = "duplicate"
    BRANCH_GONE = "branch-gone"
    BRANCH_DELETED = "branch-deleted"


FINAL_STATES = frozenset({PushState.LIVE, PushState.FAILED, PushState.SUPERSEDED, PushState.IGNORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """`sequence` orders the pushes of one environment: 1 is the first, 0 means never admitted.

    `code` is the PushCode of an ignored push.
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

    @property
    def is_filtered(self) -> bool:
        """Whether the app asked not to build it: its environment keeps what it runs."""
        return self.state is PushState.IGNORED and self.code in {PushCode.SKIP_CI, PushCode.PATHS}

    @property
    def is_dropped(self) -> bool:
        """Whether its branch was at another commit, or gone, when the push was handled."""
        return self.code == PushCode.BRANCH_GONE or (self.state is PushState.SUPERSEDED and not self.sequence)


def is_zero(sha: str) -> bool:
    """Return whether a sha stands for `no commit`: empty, or forty or sixty-four zeros."""
    return not sha.strip("0")
