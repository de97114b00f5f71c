"""Builds images from commits: Tekton, Woodpecker, or this machine."""

from typing import Protocol

from functions.common.domain.build import BuildOrder, BuildResult


class Builder(Protocol):
    """Takes orders and reports each one's end with a build.ended event (or its vendor's own)."""

    def start(self, order: BuildOrder) -> None:
        """Start the build; a name that was ordered before is not built twice, one that has ended only for another push.

        Raises Rejected when the order can never be built.
        """
        ...

    def cancel(self, name: str) -> None:
        """Ask for the end of a build; it counts as cancelled only when it is reported so."""
        ...

    def observe(self, name: str) -> BuildResult | None:
        """Return what is known of a build, or None when the builder does not know it."""
        ...
