"""A journal of commit statuses in memory."""

from dataclasses import dataclass, field

from functions.common.ports.pushes import Status


@dataclass(slots=True, kw_only=True)
class FakeStatusJournal:
    """StatusJournal that keeps the newest by (sha, context)."""

    newest: dict[tuple[str, str], Status] = field(default_factory=dict)

    def offer(self, status: Status) -> Status:
        """Remember the status unless a newer one is known; return the newest."""
        known = self.newest.setdefault((status.sha, status.context), status)
        if (status.position, status.rank) > (known.position, known.rank):
            self.newest[status.sha, status.context] = known = status
        return known
