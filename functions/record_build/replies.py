"""What record-build tells, by what is recorded."""

from functions.common.domain.build import Build, BuildState
from functions.common.events.build import BuildFailed
from functions.common.events.push import PushSuperseded
from functions.record_build.verdict import CANCELLED


def failed(build: Build) -> BuildFailed:
    """Tell why there is no image."""
    return BuildFailed(
        app=build.app,
        environment=build.environment,
        push=build.push,
        repository=build.repository,
        build=build.name,
        sha=build.sha,
        step=CANCELLED if build.state is BuildState.CANCELLED else build.step,
        reason=build.reason,
        log_tail=build.log_tail,
    )


def superseded(build: Build, reason: str) -> PushSuperseded:
    """Tell that the push gave way."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    return PushSuperseded(**where, repository=build.repository, sha=build.sha, reason=reason)
