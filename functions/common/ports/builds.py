"""Builds: their state machine, and the builder."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.common.domain.build import Build, BuildOrder, BuildResult, Image, UnfinishedBuild
from functions.common.domain.push import PushState
from functions.common.events.build import BuildEnded
from functions.common.events.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStart:
    """The decision on a build request.

    `build` is the push's own build (running or ended), or another push's successful build, which is reused. It is
    None when there is nothing to build: the push has ended, or `overtaken` says why a newer one replaces it.
    `cancel` are running builds that this one replaces. `adopted` are older pushes whose running build it took over:
    they are superseded. `is_crowded`: the app has as many builds as it may have, so that none began.
    """

    build: Build | None
    overtaken: str = ""
    push_state: PushState | None = None
    push_reason: str = ""
    cancel: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    is_crowded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildEnd:
    """A build with its recorded end; `successor` is the sha of the push that it was cancelled for, if any."""

    build: Build
    successor: str = ""


class BuildLedger(Protocol):
    """The state machine of builds: one for each app, environment and sha, except repeated attempts.

    The first recorded end of a build is final.
    """

    def begin(self, order: BuildOrder, *, repository: str, sequence: int, most: int = 0) -> BuildStart:
        """Start, adopt, reuse or refuse a build for the push, in one transaction; safe to repeat.

        A repeated attempt at a commit gets another name than the order's; the returned build has it. None begins beside
        `most` builds of other environments of the app (0: any number; a few more when several begin at once).
        """
        ...

    def end(self, result: BuildResult) -> BuildEnd | None:
        """Record the end of a running build; return the recorded end, None when the build is not known."""
        ...

    def cancel(self, app: str, environment: str, *, cause: str) -> tuple[str, ...]:
        """Record `cause` (of CLOSINGS) for the running builds of an environment that is not open.

        Returns the names to cancel at the builder, also those recorded before. An empty environment stands for
        all of the app's.
        """
        ...


class BuildCancellations(Protocol):
    """Records that people cancel builds."""

    def cancel_by(self, name: str, actor: str) -> bool:
        """Record who cancels a build; False when it has ended, or was cancelled before."""
        ...


class BuildNames(Protocol):
    """Looks up the names of recorded builds."""

    def unknown(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the names that no recorded build has."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """A build; `seconds` are from its start to its end (or now). `superseded_by` is as in Build."""

    name: str
    app: str
    environment: str
    push: str
    sha: str
    ref: str
    state: str
    digest: str
    step: str
    reason: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    superseded_by: str = ""


class BuildHistory(Protocol):
    """Reads builds."""

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return the builds that started before the build named `before` (empty: all), newest first.

        An empty environment stands for all.
        """
        ...

    def build(self, name: str) -> BuildRecord | None:
        """Return the build with this name."""
        ...


class Builder(Protocol):
    """Builds images from commits: Tekton, or the build runner of one machine.

    It reports the end of each build by a build.ended event, or by an event of its vendor.
    """

    def start(self, order: BuildOrder) -> None:
        """Start the build. A name is built once; after its build has ended, again for another push only.

        Raises Rejected when the order can never be built.
        """
        ...

    def cancel(self, name: str) -> None:
        """Request cancellation; the build counts as cancelled when the builder reports it."""
        ...

    def observe(self, name: str) -> BuildResult | None:
        """Return the state of a build, None when the builder does not know it."""
        ...


class BuildQueue(Protocol):
    """Says which builds run at the builder, and which wait there."""

    def unfinished(self) -> tuple[UnfinishedBuild, ...]:
        """Return the builds that run, then those that wait, in the order in which they begin. Raises Unavailable."""
        ...


class BuildReports(Protocol):
    """Asks a builder about the build that one of its own events names."""

    def ended(self, envelope: Envelope) -> BuildEnded | None:
        """Return how the build ended, as the builder says now; None for foreign events and unknown builds.

        Raises Unavailable when the build has not ended, which may be true a moment later.
        """
        ...


class BuiltImages(Protocol):
    """Finds images that builds made; `of_commit` and `of_digest` those that are not deleted."""

    def of_build(self, name: str) -> tuple[str, Image] | None:
        """Return the app and the image of a build, None unless it succeeded."""
        ...

    def of_commit(self, app: str, sha: str) -> Image | None:
        """Return the newest image of a commit of an app."""
        ...

    def of_digest(self, digest: str) -> tuple[tuple[str, Image], ...]:
        """Return each app that built an image with this digest, with the image."""
        ...

    def is_moving(self, app: str, sha: str) -> bool:
        """Return whether a push of the commit has not ended."""
        ...
