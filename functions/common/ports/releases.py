"""Releases: their state machine, their history and their time limits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from functions.common.domain.release import Limits, Release, ReleaseKind, ReleaseState
from functions.common.events.release import WorkloadChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A release to start. `cause` is the id of the event that requests it.

    `sequence` is that of the push whose image it has, None for the newest promoted one. The release gets the config
    that the environment has at its start.
    """

    cause: str
    app: str
    environment: str
    kind: ReleaseKind
    digest: str
    image: str
    processes: dict[str, str]
    sha: str
    push: str = ""
    sequence: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRelease:
    """A started release, the label and domains of its hosts, and the unfinished releases that it superseded.

    `replicas`, `limits` and `maintenance` are those of the environment and the app now.
    """

    release: Release
    label: str
    custom_domains: tuple[str, ...] = ()
    superseded: tuple[Release, ...] = ()
    replicas: dict[str, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    maintenance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersededProposal:
    """No release was started; `reason` is a sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonedReleases:
    """No release up to number `through` may run any more; `superseded` were unfinished."""

    through: int
    superseded: tuple[Release, ...] = ()


class ReleaseLedger(Protocol):
    """Starts releases, one at a time for each environment, and numbers them."""

    def begin(self, proposal: Proposal) -> StartedRelease | SupersededProposal:
        """Number and record the release, and supersede the environment's unfinished ones.

        In one transaction. When the cause, or the push in this environment, has a release already, that one is
        returned in its current state. A proposal for a closed environment, or of an older push than the newest
        promoted one, is superseded.
        """
        ...

    def abandon(self, app: str, environment: str) -> AbandonedReleases:
        """Supersede the unfinished releases of a closed or deleted environment and retire its live one.

        When the environment is open nothing changes, and `through` is the last release of a deleted app of its name.
        """
        ...

    def withdraw(self, app: str, environment: str, *, through: int) -> AbandonedReleases:
        """Supersede the unfinished releases up to number `through` of an environment that is undeployed.

        A live one among them is retired. Later releases stay; safe to repeat.
        """
        ...


class ReleaseArchive(Protocol):
    """Reads releases that may be released again."""

    def find(self, app: str, environment: str, number: int) -> Release | None:
        """Return one release."""
        ...

    def newest(self, app: str, environment: str) -> Release | None:
        """Return the newest release that is live or unfinished, or None without one."""
        ...

    def environments(self, app: str, scope: str) -> tuple[str, ...]:
        """Return the names of the app's open environments in a config scope."""
        ...


class AbandonedImages(Protocol):
    """Finds images that only a closed environment needed."""

    def of(self, app: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Return (reference, digest) of each image of the environment that no other environment uses."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRelease:
    """A release after a report, and the label of its host.

    `ended_by` is the id of the event that reported its end, empty when none did.
    """

    release: Release
    label: str
    ended_by: str = ""


class ReleaseProgress(Protocol):
    """The state machine of releases; ended releases do not change, except that live ones are retired."""

    def record_step(self, app: str, environment: str, number: int, *, step: str) -> ObservedRelease | None:
        """Record the step of an unfinished release; return the release, or None when the number is not known."""
        ...

    def finish(
        self,
        app: str,
        environment: str,
        number: int,
        state: ReleaseState,
        *,
        step: str = "",
        reason: str = "",
        ended_by: str = "",
    ) -> ObservedRelease | None:
        """End an unfinished release as live or failed; return the release, or None when the number is not known.

        A release that becomes live retires the previous live one in the same transaction.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release without config values.

    `seconds` are from its start to its end (or now); `reason` is why it failed or was superseded.
    """

    app: str
    environment: str
    number: int
    kind: str
    state: str
    sha: str
    push: str
    digest: str
    image: str
    processes: tuple[str, ...]
    step: str
    reason: str
    note: str
    created_at: datetime
    ended_at: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """An environment; `release` is the number of its live release, 0 without one."""

    app: str
    name: str
    branch: str
    label: str
    state: str
    release: int
    opened_at: datetime
    pushed_at: datetime | None
    closed_at: datetime | None


class ReleaseHistory(Protocol):
    """Reads the releases and environments of one app."""

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the releases numbered below `before` (0: all), newest first."""
        ...

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return that release, or for 0 the last one that was live before the current one."""
        ...

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments, production first, closed ones last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRelease:
    """An unfinished release without an unfinished push; `cause` is the id of the event that requested it."""

    release: Release
    cause: str
    idle: timedelta


class StuckReleases(Protocol):
    """Finds releases that may be stuck and have no unfinished push."""

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckRelease, ...]:
        """Return unfinished releases that have not moved for this long, the longest first."""
        ...


class ReleaseLimits(Protocol):
    """Ends releases that make no progress and that their deployer does not end."""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:
        """Stop the unfinished release if it is past its time limit, so that it takes no more traffic.

        Returns the report of its failure, or None when nothing is past its limit.
        """
        ...
