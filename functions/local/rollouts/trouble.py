"""Why a release is given up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`step` is the part of the way that failed, `log_tail` the last lines of the process."""

    step: str
    reason: str
    log_tail: str = ""
