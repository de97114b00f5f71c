"""Posts a status so that the newest is what stays."""

from functions.common.ports.forge import CommitStatuses
from functions.common.ports.status_journal import Status, StatusJournal


def show(status: Status, *, journal: StatusJournal, statuses: CommitStatuses) -> None:
    """Post the status unless a newer one is known.

    While it was being posted, a newer one may have been posted by another call, and now lie under this
    one: then the newer is posted once more. So the newest always comes last.
    """
    newest = journal.offer(status)
    shown: Status | None = None
    while newest.event == status.event or shown is not None:
        _post(newest, statuses)
        shown, newest = newest, journal.offer(status)
        if newest == shown:
            return


def _post(status: Status, statuses: CommitStatuses) -> None:
    statuses.post(
        status.repository,
        status.sha,
        state=status.state,
        description=status.description,
        context=status.context,
        target_url=status.target_url,
    )
