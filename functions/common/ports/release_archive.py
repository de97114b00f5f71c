"""Releases that were begun before."""

from typing import Protocol

from functions.common.domain.release import Release


class ReleaseArchive(Protocol):
    """Finds what may be released again."""

    def find(self, app: str, environment: str, number: int) -> Release | None:
        """Return one release."""
        ...

    def newest(self, app: str, environment: str) -> Release | None:
        """Return the newest release that is live or on its way, or None when there is none."""
        ...

    def environments(self, app: str, scope: str) -> tuple[str, ...]:
        """Return the names of the app's open environments that take the config of a scope."""
        ...


class AbandonedImages(Protocol):
    """Finds what only a closed environment needed."""

    def of(self, app: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Return (reference, digest) of each image of the environment that no other environment uses."""
        ...
