"""What was observed of releases."""

from dataclasses import dataclass
from typing import Protocol

from functions.common.domain.release import Release, ReleaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A release as it stands after a report, and the label of the host where it answers.

    `ended_by` is the id of the event that told of its end, empty when no event did.
    """

    release: Release
    label: str
    ended_by: str = ""


class ReleaseProgress(Protocol):
    """The state machine of releases; ended releases do not change, but live ones are retired."""

    def note(self, app: str, environment: str, number: int, *, step: str) -> Observed | None:
        """Note how far an unfinished release is; return it as it is, or None when there is none of the number."""
        ...

    def finish(
        self,
        app: str,
        environment: str,
        number: int,
        state: ReleaseState,
        *,
        step: str = "",
        reason: str = "",
        ended_by: str = "",
    ) -> Observed | None:
        """End an unfinished release as live or failed; return it as it is, or None when there is none.

        One that becomes live retires the live one before it, in one transaction.
        """
        ...
