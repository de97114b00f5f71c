"""What the ledger says of a push and of those beside it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from functions.common.domain.push import Push


class Base(StrEnum):
    """What is recorded of the commit that a push was made on.

    `FIRST`: nothing of its branch for this app. `UNKNOWN`: other pushes of the branch, not that one.
    `DROPPED`: it was superseded before it was admitted. `SETTLED`: whatever it needed was done.
    """

    FIRST = "first"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a push stands among the recorded ones of its branch and app.

    `head_ignored`: the head asked for is recorded and will not be built. `overtaken`: a recorded push
    was made on this one, or this one made a branch that is recorded already and was not deleted since.
    """

    base: Base
    head_ignored: bool
    overtaken: bool


class PushHistory(Protocol):
    """Reads the ledger."""

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return what is recorded of a push, one for each app."""
        ...

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return where the push stands; `head` is the sha that its branch has now, empty when not known."""
        ...
