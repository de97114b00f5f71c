"""Ends releases that whoever runs them has forgotten."""

from typing import Protocol

from functions.common.events.release import WorkloadChanged


class ReleaseLimits(Protocol):
    """Holds releases to the time that they may stand still."""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:
        """Give up the release on its way if it is past its limit, so that it takes no traffic any more.

        Returns the report of its failure, or None when there is nothing to give up.
        """
        ...
