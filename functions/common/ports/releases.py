"""Releases: their state machine, those of the past, and their time limits."""

from dataclasses import dataclass, field
from typing import Protocol

from functions.common.domain.release import Release, ReleaseKind, ReleaseState
from functions.common.events.release import WorkloadChanged

# Begins releases: one row for each, numbered per environment.


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be released. `cause` is the id of the event that asks for it.

    `sequence` is that of the push whose image it is, None for the newest promoted one. `config` None
    means the environment's config as it stands when the release begins.
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
    config: dict[str, str] | None = field(default=None, repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The release, where it is to answer, and the unfinished releases that it took the place of."""

    release: Release
    label: str
    custom_domains: tuple[str, ...] = ()
    displaced: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """Nothing was begun; `reason` is a sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """No release up to `through` is to run any more; `displaced` were unfinished."""

    through: int
    displaced: tuple[Release, ...] = ()


class ReleaseLedger(Protocol):
    """Decides, one at a time for each environment, what is released."""

    def begin(self, proposal: Proposal) -> Begun | Overtaken:
        """Number and record the release, and supersede the environment's unfinished ones.

        In one transaction. A cause, or a push of this environment, that has a release already gets it
        again, whatever state it is in by now. A closed environment, or an older push than the newest
        promoted one, is overtaken.
        """
        ...

    def abandon(self, app: str, environment: str) -> Abandoned:
        """Supersede the unfinished releases of an environment that is closed or gone; its live one is retired.

        When it is open (again) nothing changes, and what is over is what a deleted app of its name released.
        """
        ...


# Releases that were begun before.


class ReleaseArchive(Protocol):
    """Finds what may be released again."""

    def find(self, app: str, environment: str, number: int) -> Release | None:
        """Return one release."""
        ...

    def newest(self, app: str, environment: str) -> Release | None:
        """Return the newest release that is live or on its way, or None when there is none."""
        ...

    def environments(self, app: str, scope: str) -> tuple[str, ...]:
        """Return the names of the app's open environments that take the config of a scope."""
        ...


class AbandonedImages(Protocol):
    """Finds what only a closed environment needed."""

    def of(self, app: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Return (reference, digest) of each image of the environment that no other environment uses."""
        ...


# What was observed of releases.


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A release as it stands after a report, and the label of the host where it answers.

    `ended_by` is the id of the event that told of its end, empty when no event did.
    """

    release: Release
    label: str
    ended_by: str = ""


class ReleaseProgress(Protocol):
    """The state machine of releases; ended releases do not change, but live ones are retired."""

    def note(self, app: str, environment: str, number: int, *, step: str) -> Observed | None:
        """Note how far an unfinished release is; return it as it is, or None when there is none of the number."""
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
    ) -> Observed | None:
        """End an unfinished release as live or failed; return it as it is, or None when there is none.

        One that becomes live retires the live one before it, in one transaction.
        """
        ...


# Ends releases that whoever runs them has forgotten.


class ReleaseLimits(Protocol):
    """Holds releases to the time that they may stand still."""

    def enforce(self, app: str, environment: str) -> WorkloadChanged | None:
        """Give up the release on its way if it is past its limit, so that it takes no traffic any more.

        Returns the report of its failure, or None when there is nothing to give up.
        """
        ...
