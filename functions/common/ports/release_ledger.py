"""Begins releases: one row for each, numbered per environment."""

from dataclasses import dataclass, field
from typing import Protocol

from functions.common.domain.release import Release, ReleaseKind


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
