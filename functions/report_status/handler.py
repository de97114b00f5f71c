"""Shows the state of a push at its commit, on its forge."""

from dataclasses import dataclass

from functions.common.domain.environment import PRODUCTION
from functions.common.domain.push import PushCode, is_zero
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.push import PushIgnored
from functions.common.ports.forge import Commit, CommitLookup, CommitStatus, CommitStatuses, StatusJournal
from functions.report_status.wording import wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Links to the API at `gateway`; without a gateway, statuses have no link."""

    gateway: str = ""

    def app(self, name: str) -> str:
        """Return the URL of the app in the API."""
        return f"{self.gateway.rstrip('/')}/v1/apps/{name}" if self.gateway else ""


def handle(
    event: Event, *, facts: CommitLookup, journal: StatusJournal, statuses: CommitStatuses, links: Links
) -> None:
    """Set the status `slipway/<app>/<environment>`; events without an app or a commit have no status."""
    commit = commit_of(event, facts)
    if commit is None or is_zero(commit.sha):
        return
    text = wording(event)
    status = CommitStatus(
        repository=commit.repository,
        sha=commit.sha,
        context=f"slipway/{event.app}/{event.environment or PRODUCTION}",
        event=CURRENT_CAUSE.get().id,
        position=commit.position,
        rank=text.rank,
        state=text.state,
        description=text.description,
        target_url=getattr(event, "url", "") or links.app(event.app),
    )
    show(status, journal=journal, statuses=statuses)


def commit_of(event: Event, facts: CommitLookup) -> Commit | None:
    """Return the commit that an event belongs to: as recorded, else as the event says, else None.

    The release comes first: a rollback is newer than the push that its commit came with. A duplicate
    has the status of the push that it repeats.
    """
    if not event.app or (isinstance(event, PushIgnored) and event.code == PushCode.DUPLICATE):
        return None
    release = getattr(event, "release", 0)
    known = facts.of_release(event.app, event.environment, release) if release else None
    if known is None and event.push:
        known = facts.of_push(event.push, event.app)
    if known is not None:
        return known
    repository, sha = getattr(event, "repository", ""), getattr(event, "sha", "")
    return Commit(repository=repository, sha=sha) if repository and sha else None


def show(status: CommitStatus, *, journal: StatusJournal, statuses: CommitStatuses) -> None:
    """Post the status unless a newer one is known.

    Another call may post a newer status while this one is being posted. Then the newer status is posted again,
    so that it is the last.
    """
    newest = journal.offer(status)
    shown: CommitStatus | None = None
    while newest.event == status.event or shown is not None:
        _post(newest, statuses)
        shown, newest = newest, journal.offer(status)
        if newest == shown:
            return


def _post(status: CommitStatus, statuses: CommitStatuses) -> None:
    statuses.post(
        status.repository,
        status.sha,
        state=status.state,
        description=status.description,
        context=status.context,
        target_url=status.target_url,
    )
