"""What start-build tells."""

from dataclasses import replace

from functions.common.domain.build import Build, BuildOrder, Image, build_name
from functions.common.domain.push import PushState
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted, ImagePublished
from functions.common.events.push import PushSuperseded

ORDER = "order"


def order_of(event: BuildRequested) -> BuildOrder:
    """Return the order for a push, under the name of its first attempt."""
    return BuildOrder(
        name=build_name(event.app, event.environment, event.sha),
        app=event.app,
        environment=event.environment,
        push=event.push,
        clone_url=event.clone_url,
        ref=event.ref,
        sha=event.sha,
    )


def started(build: Build) -> BuildStarted:
    """Tell that the push's build is in the builder's hands."""
    return BuildStarted(
        app=build.app,
        environment=build.environment,
        push=build.push,
        repository=build.repository,
        build=build.name,
        sha=build.sha,
        sequence=build.sequence,
    )


def published(event: BuildRequested, build: Build, image: Image) -> ImagePublished:
    """Tell that the push's image is there: an earlier push of the same commit built it."""
    return ImagePublished.of(replace(build, push=event.push, sequence=event.sequence), image)


def superseded(event: BuildRequested, push: str, reason: str) -> PushSuperseded:
    """Tell that a push of this commit gave way."""
    where = {"app": event.app, "environment": event.environment}
    return PushSuperseded(**where, push=push, repository=event.repository, sha=event.sha, reason=reason)


def refused(build: Build) -> BuildFailed:
    """Tell that the builder can never do this order."""
    where = {"app": build.app, "environment": build.environment, "push": build.push}
    what = {"repository": build.repository, "build": build.name, "sha": build.sha}
    return BuildFailed(**where, **what, step=build.step, reason=build.reason)


def has_ended_otherwise(state: PushState | None) -> bool:
    """Return whether the push came to an end that is not that of giving way."""
    return state is not None and state.is_final and state is not PushState.SUPERSEDED
