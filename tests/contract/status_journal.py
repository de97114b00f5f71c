"""The contract of StatusJournal."""

import pytest

from functions.common.ports.forge import CommitStatus, StatusJournal


def a_status(
    event: str, *, position: int = 1, rank: int = 1, context: str = "slipway/hello/production"
) -> CommitStatus:
    """Return a status of an event."""
    return CommitStatus(
        repository="forge.example.org/team/hello",
        sha="a" * 40,
        context=context,
        event=event,
        position=position,
        rank=rank,
        state="pending",
        description=f"after {event}",
        target_url="https://hello.apps.example.org/",
    )


class StatusJournalContract:
    """Subclasses provide the fixture `journal`."""

    def test_the_first_is_the_newest(self, journal: StatusJournal) -> None:
        """It is returned unchanged."""
        assert journal.offer(a_status("1")) == a_status("1")

    @pytest.mark.parametrize(("position", "rank"), [(1, 2), (2, 1), (2, 0)])
    def test_a_newer_one_replaces_it(self, journal: StatusJournal, position: int, rank: int) -> None:
        """By position, then by rank."""
        journal.offer(a_status("1"))
        newer = a_status("2", position=position, rank=rank)
        assert journal.offer(newer) == newer
        assert journal.offer(a_status("1")) == newer

    @pytest.mark.parametrize(("position", "rank"), [(1, 2), (0, 9), (1, 1)])
    def test_an_older_or_equal_one_does_not(self, journal: StatusJournal, position: int, rank: int) -> None:
        """The newest is returned."""
        newest = a_status("1", position=1, rank=2)
        journal.offer(newest)
        assert journal.offer(a_status("2", position=position, rank=rank)) == newest

    def test_contexts_are_independent(self, journal: StatusJournal) -> None:
        """Each has its own newest status."""
        journal.offer(a_status("1", rank=4))
        other = a_status("2", context="slipway/other/production")
        assert journal.offer(other) == other
