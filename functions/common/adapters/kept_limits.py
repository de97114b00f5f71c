"""ReleaseLimits where whoever runs releases keeps the limits without fail."""

from functions.common.events.release import WorkloadChanged


class KeptLimits:
    """ReleaseLimits that gives up nothing."""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:  # noqa: ARG002 - it is kept
        """Return None; see ReleaseLimits."""
        return None
