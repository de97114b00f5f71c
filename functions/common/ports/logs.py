"""Logs that can be followed: each read goes on where the one before it ended."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Whole lines, and where to read on; `ended` when nothing will follow."""

    text: str
    next_offset: int
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeLogChunk:
    """Whole lines, each beginning with `RELEASE-PROCESS: `, and the cursor to read on from."""

    text: str
    cursor: str


class BuildLogs(Protocol):
    """The logs of builds."""

    def read(self, name: str, offset: int) -> LogChunk:
        """Return what a build wrote from the byte offset on; nothing yet is an empty text.

        Raises NotFound when there is no such build.
        """
        ...

    def tail(self, name: str) -> str:
        """Return the last lines of a failed build, of the step that failed where steps have logs of their own.

        Empty when nothing of them is left.
        """
        ...


class RuntimeLogs(Protocol):
    """What the processes of apps write."""

    def read(self, app: str, environment: str, cursor: str) -> RuntimeLogChunk:
        """Return what was written since the cursor; an empty cursor begins with the last lines there are.

        Raises Rejected when the cursor is none that this port gave.
        """
        ...
