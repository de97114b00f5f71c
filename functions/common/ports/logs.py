"""Logs that can be followed: each read continues where the previous one ended."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Whole lines, and the offset of the next read; `ended` when the log is complete."""

    text: str
    next_offset: int
    ended: bool


class BuildLogs(Protocol):
    """Reads the logs of builds."""

    def read(self, name: str, offset: int) -> LogChunk:
        """Return the log of a build from the byte offset on, empty when there is nothing new.

        Raises NotFound when there is no such build.
        """
        ...

    def tail(self, name: str) -> str:
        """Return the last lines of a failed build, of the failed step where steps have logs of their own.

        Empty when they are gone.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeLogChunk:
    """Whole lines, each prefixed with `RELEASE-PROCESS: `, and the cursor of the next read."""

    text: str
    cursor: str


class RuntimeLogs(Protocol):
    """Reads the output of apps' processes."""

    def read(self, app: str, environment: str, cursor: str) -> RuntimeLogChunk:
        """Return what was written since the cursor; an empty cursor starts with the last lines.

        Raises Rejected when the cursor is not one of this port's.
        """
        ...
