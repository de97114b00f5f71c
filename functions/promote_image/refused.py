"""A release whose workload is refused for good has ended: nothing would ever be observed of it."""

from dataclasses import replace

from functions.common.domain.release import Release, ReleaseState
from functions.common.ports.release_progress import ReleaseProgress

STEP = "deploy"


def end_refused(release: Release, reason: str, progress: ReleaseProgress) -> Release:
    """Fail the release and return it as it is now: one that ended meanwhile stays as it is."""
    where = (release.app, release.environment, release.number)
    seen = progress.finish(*where, ReleaseState.FAILED, step=STEP, reason=reason)
    return seen.release if seen else replace(release, state=ReleaseState.FAILED, step=STEP, reason=reason)


def is_refused(release: Release) -> bool:
    """Return whether the release failed here, and not after it was asked for."""
    return release.state is ReleaseState.FAILED and release.step == STEP
