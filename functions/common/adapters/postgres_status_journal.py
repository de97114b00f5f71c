"""The newest status of each commit and context, in the table commit_statuses."""

from dataclasses import asdict, dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.status_journal import Status

_OFFER = """
insert into commit_statuses as kept
    (sha, context, repository, event, position, rank, state, description, target_url)
values (:sha, :context, :repository, :event, :position, :rank, :state, :description, :target_url)
on conflict (sha, context) do update
set repository = excluded.repository, event = excluded.event, position = excluded.position, rank = excluded.rank,
    state = excluded.state, description = excluded.description, target_url = excluded.target_url
where (excluded.position, excluded.rank) > (kept.position, kept.rank)
"""
_FIND = """
select repository, sha, context, event, position, rank, state, description, target_url
from commit_statuses where sha = :sha and context = :context
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStatusJournal:
    """StatusJournal over the table commit_statuses."""

    database: Postgres

    def offer(self, status: Status) -> Status:
        """Remember the status unless a newer one is known; see StatusJournal."""
        self.database.run(_OFFER, **asdict(status))
        return Status(**self.database.rows(_FIND, sha=status.sha, context=status.context)[0])
