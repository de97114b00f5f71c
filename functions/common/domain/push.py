"""A push: one verified change of one branch, and its state for one app."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_SHA = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class PushState(StrEnum):
    """`RECEIVED`, `BUILDING` and `RELEASING` follow in this order; the other four are final."""

    RECEIVED = "received"
    BUILDING = "building"
    RELEASING = "releasing"
    LIVE = "live"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self in FINAL_STATES


class PushCode(StrEnum):
    """Why a push ended without a build; the push's reason explains it in a sentence."""

    NO_APP = "no-app"
    SKIP_CI = "skip-ci"
    PATHS = "paths"
    DUPLICATE = "duplicate"
    PREVIEW_LIMIT = "preview-limit"
    BRANCH_GONE = "branch-gone"
    BRANCH_DELETED = "branch-deleted"


FINAL_STATES = frozenset({PushState.LIVE, PushState.FAILED, PushState.SUPERSEDED, PushState.IGNORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """`sequence` orders the pushes of one environment: 1 is the first, 0 stands for pushes that were not admitted.

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
        """Whether a filter of the app ignored it: its environment keeps the running release."""
        return self.state is PushState.IGNORED and self.code in {PushCode.SKIP_CI, PushCode.PATHS}

    @property
    def is_dropped(self) -> bool:
        """Whether its branch was at another commit, or deleted, when the push was handled."""
        return self.code == PushCode.BRANCH_GONE or (self.state is PushState.SUPERSEDED and not self.sequence)


def is_sha(text: str) -> bool:
    """Return whether a text is a full sha of a commit, SHA-1 or SHA-256, in lower case."""
    return bool(_SHA.match(text))


def is_zero(sha: str) -> bool:
    """Return whether a sha means `no commit`: it is empty or all zeros."""
    return not sha.strip("0")
