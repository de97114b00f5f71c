"""Events of releases."""

from typing import ClassVar, Literal

from functions.common.domain.release import Release
from functions.common.events.base import Event


class RollbackRequested(Event):
    """A rollback was requested: a new release with the image of release `to` and the config of now."""

    type: ClassVar[str] = "dev.slipway.rollback.requested.v1"

    to: int
    actor: str = ""


class ReleaseStarted(Event):
    """The deployer was asked to run the release; its reports follow."""

    type: ClassVar[str] = "dev.slipway.release.started.v1"

    release: int
    digest: str
    sha: str


class ReleaseSuperseded(Event):
    """A newer push was promoted first, final: the running release stays."""

    type: ClassVar[str] = "dev.slipway.release.superseded.v1"

    sha: str
    reason: str


class WorkloadChanged(Event):
    """A deployer's report of one release; it may arrive late, twice, or out of order.

    `weight` is the release's share of traffic, in percent.
    """

    type: ClassVar[str] = "dev.slipway.workload.changed.v1"

    release: int
    phase: Literal["releasing", "starting", "shifting", "live", "failed"]
    weight: int = 0
    step: str = ""
    reason: str = ""
    log_tail: str = ""


class ReleaseLive(Event):
    """The release has all the traffic, final."""

    type: ClassVar[str] = "dev.slipway.release.live.v1"

    release: int
    digest: str
    sha: str
    url: str


class ReleaseFailed(Event):
    """The release failed, final: the previous one keeps serving."""

    type: ClassVar[str] = "dev.slipway.release.failed.v1"

    release: int
    sha: str
    step: str
    reason: str
    log_tail: str = ""


def release_failed(release: Release, *, log_tail: str = "") -> ReleaseFailed:
    """Return the event of a failed release; `log_tail` are the last lines of its output."""
    return ReleaseFailed(
        app=release.app,
        environment=release.environment,
        push=release.push,
        release=release.number,
        sha=release.sha,
        step=release.step,
        reason=release.reason,
        log_tail=log_tail,
    )
