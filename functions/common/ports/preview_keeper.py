"""Previews that are to go, and those that are gone."""

from datetime import timedelta
from typing import Protocol

from functions.common.domain.environment import Environment


class PreviewKeeper(Protocol):
    """Ends previews that nobody needs."""

    def expired(self, *, older_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose last push is so long ago."""
        ...

    def orphaned(self, *, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose repository was looked at since their last push and has their branch no more."""
        ...

    def close(self, app: str, environment: str) -> bool:
        """Close a preview; False when it is closed already."""
        ...


class PreviewSweeper(Protocol):
    """Remembers which closed previews have left nothing behind."""

    def unswept(self, *, longer_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return previews closed for so long of which something may be left."""
        ...

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Return in words what is remembered of a host: its record, its certificate."""
        ...

    def swept(self, app: str, environment: str) -> None:
        """Note that nothing of the closed preview is left."""
        ...
