"""Shows at the commit, on its forge, what became of it."""

from functions.common.domain.environment import PRODUCTION
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.ports.commit_facts import CommitFacts
from functions.common.ports.forge import CommitStatuses
from functions.common.ports.status_journal import Status, StatusJournal
from functions.report_status.commit import commit_of
from functions.report_status.show import show
from functions.report_status.target import Links
from functions.report_status.wording import wording


def handle(event: Event, *, facts: CommitFacts, journal: StatusJournal, statuses: CommitStatuses, links: Links) -> None:
    """Set the status `slipway/<app>/<environment>`; an event of no app, or of no commit, has nowhere to go."""
    commit = commit_of(event, facts)
    if commit is None or not commit.sha:
        return
    said = wording(event)
    status = Status(
        repository=commit.repository,
        sha=commit.sha,
        context=f"slipway/{event.app}/{event.environment or PRODUCTION}",
        event=CURRENT_CAUSE.get().id,
        position=commit.position,
        rank=said.rank,
        state=said.state,
        description=said.description,
        target_url=getattr(event, "url", "") or links.app(event.app),
    )
    show(status, journal=journal, statuses=statuses)
