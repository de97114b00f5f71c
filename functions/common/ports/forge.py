"""The forge (git server): branch heads, repositories, commit statuses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions.common.domain.git_url import CloneUrls, GitUrl
from functions.common.domain.push import Push
from functions.common.ports.accounts import AppRole


class SourceHosts(Protocol):
    """Knows which hosts the platform may fetch repositories from."""

    def check(self, url: GitUrl) -> None:
        """Raise Rejected when the URL's host is a machine of the platform's network, unless an operator allows it."""
        ...


class ForgeHeads(Protocol):
    """Reads branch heads at the forge."""

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha, or None when the repository cannot be read (unknown, or no access)."""
        ...

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha, empty when it does not exist, None when it cannot be read."""
        ...


class RepositoryNames(Protocol):
    """Asks the forge what a repository is called now."""

    def urls_of(self, clone_url: str, number: str) -> tuple[str, ...] | None:
        """Return the git URLs of the repository with this id at the forge of a URL, none when it may not be seen.

        None when the forge cannot be asked. Raises Unavailable.
        """
        ...


class Repositories(Protocol):
    """Creates repositories that users push to."""

    def create(self, name: str, *, webhook_secret: str) -> str:
        """Create the repository with a webhook that has this secret, and return its clone URL; safe to repeat."""
        ...

    def admit(self, name: str, username: str) -> None:
        """Let a user of the forge push to a repository that was created here. Raises Rejected and Unavailable."""
        ...

    def set_webhook(self, name: str, *, webhook_secret: str) -> None:
        """Replace the webhook of a repository that was created here by one with this secret."""
        ...

    def delete(self, name: str) -> None:
        """Delete the repository; a missing one is not an error."""
        ...

    def clone_urls(self, name: str) -> CloneUrls:
        """Return the clone URLs of a repository that was created here; `ssh` is empty without git over SSH."""
        ...

    def name_of(self, url: str) -> str:
        """Return the name of the repository when the URL leads to where `create` creates them, otherwise nothing.

        The URL may be one over SSH.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeAccount:
    """What a user should have at the forge, and what may be there.

    `keys` are names with public keys, `roles` those in repositories that Slipway created. A role was given for the
    repositories `granted`, or is about to be. `changed_at` says which change of the user this is.
    """

    email: str
    changed_at: datetime
    keys: Mapping[str, str]
    roles: Mapping[str, AppRole]
    granted: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedAccount:
    """What the forge has now: roles in the repositories `granted`. `problems` say in words what it refused."""

    username: str
    granted: Collection[str] = ()
    problems: tuple[str, ...] = ()


class ForgeAccounts(Protocol):
    """Gives users at the forge the SSH keys and roles that they have here."""

    def sync(self, account: ForgeAccount) -> SyncedAccount:
        """Make keys and roles at the forge those of the account; a user without keys gets no new forge user.

        Only what Slipway put there is removed. Raises Rejected when the forge refuses all of it.
        """
        ...


class ForgeUsernames(Protocol):
    """Knows the forge's users of the users here."""

    def intend(self, user: str, repository: str) -> str:
        """Record that a user is about to get a role in a repository; return the name at the forge, if it is known."""
        ...


class ForgeAccountRecords(Protocol):
    """Records which users have changed since the last sync."""

    def claim(self, *, limit: int) -> tuple[ForgeAccount, ...]:
        """Return users that have changed, and those whose last try failed ten minutes ago; each a while only once."""
        ...

    def finish(self, account: ForgeAccount, synced: SyncedAccount) -> None:
        """Record what the forge has."""
        ...

    def fail(self, account: ForgeAccount, error: str) -> None:
        """Record why the forge has nothing new."""
        ...


class CommitStatuses(Protocol):
    """Shows the state of a deployment at its commit."""

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set the status `context` of a commit; state is pending, success, failure or error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit that an event is about; `repository` is a domain.git_url.repository_key.

    `position` orders the deployments of one commit: the time of its push, or of the start of a release of another
    kind, in microseconds.
    """

    repository: str
    sha: str
    position: int = 0


class CommitLookup(Protocol):
    """Finds the commits of pushes and releases."""

    def of_push(self, push: str, app: str) -> Commit | None:
        """Return the commit of a push of an app."""
        ...

    def of_release(self, app: str, environment: str, number: int) -> Commit | None:
        """Return the commit that a release runs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """A status to show at a commit; `event` is the id of the event it reports.

    Of two statuses of a commit and context, the one with the greater (position, rank) is the newer.
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
    """Records the newest status of each commit and context, so that an older one does not overwrite it."""

    def offer(self, status: CommitStatus) -> CommitStatus:
        """Record the status unless a newer one is recorded; return the newest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingHead:
    """A head that was read at the forge and that no push is recorded for.

    `since` is when it was first read; it is `overdue` when its webhook should have arrived by now.
    """

    sha: str
    since: datetime
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRepository:
    """A repository with apps. `read_at` is when its heads were last read, None before the first time.

    `handled` has for each branch the newest head that a push is recorded for, `pending` the newer head read since.
    `pushed` are branches with pushes since the last read.
    `awaited` are the production branches of its apps, except apps whose pushes all came from elsewhere: an app
    that moves to another repository or branch keeps its release until the next push there.
    """

    repository: str
    clone_url: str
    read_at: datetime | None
    handled: Mapping[str, str]
    pending: Mapping[str, PendingHead]
    pushed: frozenset[str]
    awaited: frozenset[str]


class HeadRecords(Protocol):
    """Records the heads that were last read at forges."""

    def due(self, *, limit: int, patience: timedelta) -> tuple[WatchedRepository, ...]:
        """Return repositories with apps, the least recently read first.

        A pending head is overdue when it was first read longer ago than `patience`.
        """
        ...

    def record(self, repository: str, heads: Mapping[str, str], *, handled: Collection[str]) -> None:
        """Replace the recorded heads; for those of the branches in `handled` pushes are recorded."""
        ...

    def mark_unreadable(self, repository: str) -> None:
        """Record that the repository could not be read, so that others come first."""
        ...


class BranchPushes(Protocol):
    """Reads the pushes and deliveries of a branch."""

    def of_branch(self, repository: str, branch: str, *, limit: int) -> tuple[Push, ...]:
        """Return the branch's newest recorded pushes, newest first: one for each app of the repository.

        Pushes that matched no app are included, with an empty `app`.
        """
        ...

    def was_delivered(self, sha: str, *, within: timedelta) -> bool:
        """Return whether a webhook delivery of the commit arrived within this time."""
        ...
