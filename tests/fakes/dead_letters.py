"""Dead letters in memory."""

from dataclasses import dataclass, field

from functions.common.ports.events import DeadLetter


@dataclass(slots=True, kw_only=True)
class FakeDeadLetters:
    """DeadLetters that keeps them by (event id, source, subscriber)."""

    parked: dict[tuple[str, str, str], DeadLetter] = field(default_factory=dict)

    def park(self, letter: DeadLetter) -> bool:
        """Store the letter; False when it is parked already."""
        key = (letter.event.id, letter.event.source, letter.subscriber)
        return self.parked.setdefault(key, letter) is letter
