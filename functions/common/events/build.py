"""Events of builds."""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field

from functions.common.events.base import Event

if TYPE_CHECKING:  # most functions that use these events do not import builds
    from functions.common.domain.build import Build, Image


class BuildRequested(Event):
    """A build of this commit for this environment was requested; `sequence` orders the environment's pushes.

    `root` is the app's folder in the repository, empty for the top.
    """

    type: ClassVar[str] = "dev.slipway.build.requested.v1"

    repository: str
    clone_url: str
    ref: str
    sha: str
    sequence: int
    root: str = ""


class BuildStarted(Event):
    """The builder has accepted the order."""

    type: ClassVar[str] = "dev.slipway.build.started.v1"

    repository: str
    build: str
    sha: str
    sequence: int


class BuildCancelled(Event):
    """A person cancelled a build that had not ended."""

    type: ClassVar[str] = "dev.slipway.build.cancelled.v1"

    build: str
    actor: str = ""
    reason: str = ""


class BuildEnded(Event):
    """A builder's report of a build's end; it may arrive late, twice, or out of order."""

    type: ClassVar[str] = "dev.slipway.build.ended.v1"

    build: str
    state: Literal["succeeded", "failed", "cancelled"]
    digest: str = ""
    image: str = ""
    processes: dict[str, str] = Field(default_factory=dict)
    step: str = ""
    reason: str = ""
    log_tail: str = ""


class ImagePublished(Event):
    """The image of a push is in the registry under this digest."""

    type: ClassVar[str] = "dev.slipway.image.published.v1"

    repository: str
    build: str
    sha: str
    sequence: int
    digest: str
    image: str
    processes: dict[str, str]

    @classmethod
    def of(cls, build: "Build", image: "Image") -> Self:
        """Return the event for the push that the build has now."""
        return cls(
            app=build.app,
            environment=build.environment,
            push=build.push,
            repository=build.repository,
            build=build.name,
            sha=build.sha,
            sequence=build.sequence,
            digest=image.digest,
            image=image.reference,
            processes=image.processes,
        )


class BuildFailed(Event):
    """The build ended without an image, final: `step` failed because of `reason`."""

    type: ClassVar[str] = "dev.slipway.build.failed.v1"

    repository: str
    build: str
    sha: str
    step: str
    reason: str
    log_tail: str = ""
