"""The contract of DeadLetters."""

from functions.common.events.envelope import Envelope
from functions.common.ports.events import DeadLetter, DeadLetters


def a_letter(event: str = "1", *, subscriber: str = "http://start-build/", source: str = "/test") -> DeadLetter:
    """Return a letter for a subscriber."""
    envelope = Envelope(id=event, source=source, type="dev.slipway.build.requested.v1", subject="", time="", data={})
    return DeadLetter(event=envelope, subscriber=subscriber, code=400, error="no such repository")


class DeadLettersContract:
    """Subclasses provide the fixture `letters`."""

    def test_a_letter_is_parked_once(self, letters: DeadLetters) -> None:
        """A redelivery stores nothing."""
        assert letters.park(a_letter())
        assert not letters.park(a_letter())

    def test_letters_of_different_events_sources_or_subscribers_are_different(self, letters: DeadLetters) -> None:
        """One event may fail at several subscribers."""
        letters.park(a_letter())
        assert letters.park(a_letter("2"))
        assert letters.park(a_letter(subscriber="http://report-status/"))
        assert letters.park(a_letter(source="/other"))
