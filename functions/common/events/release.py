"""From image to traffic."""

from typing import ClassVar, Literal

from functions.common.domain.release import Release
from functions.common.events.base import Event


class RollbackRequested(Event):
    """Release the image and config of release `to` again, under a new number, without a build."""

    type: ClassVar[str] = "dev.slipway.rollback.requested.v1"

    to: int
    actor: str = ""


class ReleaseStarted(Event):
    """The workload was asked for; whether it comes up is observed, not assumed."""

    type: ClassVar[str] = "dev.slipway.release.started.v1"

    release: int
    digest: str
    sha: str


class ReleaseSuperseded(Event):
    """A newer push was promoted first, final: what runs stays."""

    type: ClassVar[str] = "dev.slipway.release.superseded.v1"

    sha: str
    reason: str


class WorkloadChanged(Event):
    """What a deployer reports of one release; reports may come late, twice, or out of order.

    `weight` is the share of traffic, in percent, that the release has now.
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
    """The release was given up, final: the one before serves on."""

    type: ClassVar[str] = "dev.slipway.release.failed.v1"

    release: int
    sha: str
    step: str
    reason: str
    log_tail: str = ""


def release_failed(release: Release, *, log_tail: str = "") -> ReleaseFailed:
    """Return the event of a release that has failed, with the last that it wrote."""
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
