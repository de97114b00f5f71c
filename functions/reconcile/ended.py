"""What was observed of builds and workloads, as the events that tell of it."""

from functions.common.domain.build import BuildResult, BuildState
from functions.common.domain.push import Push
from functions.common.events.build import BuildEnded
from functions.common.events.release import WorkloadChanged
from functions.common.ports.release_limits import ReleaseLimits


def end_of(seen: WorkloadChanged, limits: ReleaseLimits) -> WorkloadChanged | None:
    """Return a release's final report: the one that was seen, or that it was given up; None for one on its way."""
    is_final = seen.phase in {"live", "failed"}
    return seen if is_final else limits.enforce(seen.app, seen.environment)


def build_ended(push: Push, seen: BuildResult) -> BuildEnded:
    """Return the report of a build that has ended, as its builder would send it."""
    states = {BuildState.SUCCEEDED: "succeeded", BuildState.FAILED: "failed", BuildState.CANCELLED: "cancelled"}
    return BuildEnded.model_validate(
        {
            "app": push.app,
            "environment": push.environment,
            "push": push.id,
            "build": seen.name,
            "state": states[seen.state],
            "digest": seen.image.digest if seen.image else "",
            "image": seen.image.reference if seen.image else "",
            "processes": seen.image.processes if seen.image else {},
            "step": seen.step,
            "reason": seen.reason,
            "log_tail": seen.log_tail,
        }
    )
