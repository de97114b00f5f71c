"""What needs a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from functions.common.domain.app import EVERYTHING, Visibility


class ConcernKind(StrEnum):
    """What is wrong: the first two are of an environment's newest push or release, as long as nothing newer is live."""

    PUSH_FAILED = "push-failed"
    RELEASE_FAILED = "release-failed"
    PUSH_STUCK = "push-stuck"
    DEAD_LETTER = "dead-letter"
    CERTIFICATE_FAILED = "certificate-failed"
    DNS_REFUSED = "dns-refused"
    WEAK_SANDBOX = "weak-sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that needs a person: `subject` is a push's id, the number of a release or dead letter, or a host."""

    kind: ConcernKind
    app: str
    environment: str
    subject: str
    sha: str
    reason: str
    since: datetime


class Attention(Protocol):
    """Finds what needs a person."""

    def concerns(self, *, limit: int, visible: Visibility = EVERYTHING) -> tuple[Concern, ...]:
        """Return what needs a person now, the newest first."""
        ...
