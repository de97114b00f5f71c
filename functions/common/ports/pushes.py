"""Pushes: their state machine, their history, and what is recorded of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from functions.common.domain.push import Push, PushState

# What became of each push: one row for each push and app.


class PushLedger(Protocol):
    """The state machine of pushes; final states do not change."""

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest and return it with its sequence.

        In one transaction: a push already recorded is returned as it is (a redelivery); one whose sha
        is that of the newest push since the environment was opened, but for failed and superseded ones,
        is recorded as ignored (`duplicate`). Raises Unavailable when the environment is gone.
        """
        ...

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a push that ends here (ignored or superseded), or return the one already recorded."""
        ...

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; return False, changing nothing, when it is there already or has ended."""
        ...


# What the ledger says of a push and of those beside it.


class Base(StrEnum):
    """What is recorded of the commit that a push was made on.

    `FIRST`: nothing of its branch for this app. `UNKNOWN`: other pushes of the branch, not that one.
    `DROPPED`: it was superseded before it was admitted. `HANDLED`: it was built, or ignored by a filter.
    """

    FIRST = "first"
    UNKNOWN = "unknown"
    DROPPED = "dropped"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a push stands among the recorded ones of its branch and app.

    `head_ignored`: the head asked for is recorded and will not be built. `overtaken`: a recorded push
    was made on this one, or this one made a branch that is recorded already and was not deleted since.
    """

    base: Base
    head_ignored: bool
    overtaken: bool


class PushHistory(Protocol):
    """Reads the ledger."""

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return what is recorded of a push, one for each app."""
        ...

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return where the push stands; `head` is the sha that its branch has now, empty when not known."""
        ...


# All that is known of a push, for explaining it.


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A webhook that came in; `published` says whether the broker is known to have its event, of the type `type`."""

    provider: str
    delivery: str
    kind: str
    outcome: str
    reason: str
    sha: str
    event: str
    type: str
    received_at: datetime
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecord:
    """What became of a push for one app; `app` is empty when no app matches."""

    id: str
    app: str
    environment: str
    repository: str
    ref: str
    sha: str
    message: str
    author: str
    state: str
    code: str
    step: str
    reason: str
    received_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event of a push as it was recorded, or parked when `error` says why no function could handle it."""

    id: str
    type: str
    app: str
    environment: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    error: str = ""
    subscriber: str = ""


class PushRecords(Protocol):
    """Finds pushes by sha, by at least seven first characters of one, or by the push's id."""

    def deliveries(self, reference: str) -> tuple[DeliveryRecord, ...]:
        """Return the deliveries, oldest first."""
        ...

    def pushes(self, reference: str) -> tuple[PushRecord, ...]:
        """Return the pushes, oldest first, each app by name."""
        ...

    def events(self, push: str) -> tuple[RecordedEvent, ...]:
        """Return what happened to the push with this id, in time order, parked events included."""
        ...


# What was built and released, for people; never config values.


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """One release; `seconds` from its start to its end (or now), `reason` why it failed or was superseded."""

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
class BuildRecord:
    """One build; `seconds` as for releases."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """One environment; `release` is its live release's number, 0 when it has none."""

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
    """Releases and environments of one app."""

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return the releases numbered below `before` (0: all), newest first."""
        ...

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return that release, or for 0 the last one that was live before the one that is."""
        ...

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments, production first, closed ones last."""
        ...


class BuildHistory(Protocol):
    """Builds."""

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return the builds that started before that of the name `before` (empty: all), newest first.

        An empty environment means every one.
        """
        ...

    def build(self, name: str) -> BuildRecord | None:
        """Return the build with this name."""
        ...


# Which commit an event is about.


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """`repository` is a domain.git_url.repository_key.

    `position` orders what happens to one commit: when its push came in, or a release of another kind
    began, in microseconds.
    """

    repository: str
    sha: str
    position: int = 0


class CommitFacts(Protocol):
    """Looks commits up."""

    def of_push(self, push: str, app: str) -> Commit | None:
        """Return the commit of a push of an app."""
        ...

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit that a release runs."""
        ...


# The newest status of each commit and context.


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is to be shown at a commit; `event` is the event it tells of.

    Of two of a commit and context, the one with the greater (position, rank) is the newer.
    """

    repository: str
    sha: str
    context: str
    event: str
    position: int
    rank: int
    state: str
    description: str
    target_url: str


class StatusJournal(Protocol):
    """Keeps an older status from overwriting a newer one."""

    def offer(self, status: Status) -> Status:
        """Remember the status unless a newer one is known; return the newest."""
        ...
