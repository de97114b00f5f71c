"""What each event means for a commit: its rank, the forge's state for it, and a sentence."""

from dataclasses import dataclass, replace

from functions.common.events.base import Event
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted
from functions.common.events.push import PushIgnored, PushSuperseded
from functions.common.events.release import ReleaseFailed, ReleaseLive, ReleaseStarted, ReleaseSuperseded

LIMIT = 140
ENDED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """`rank` grows from step to step; `state` is pending, success, failure or error."""

    rank: int
    state: str
    description: str


def wording(event: Event) -> Wording:
    """Return the text of an event; descriptions have at most 140 characters, the limit of forges."""
    text = _wording(event)
    if len(text.description) <= LIMIT:
        return text
    return replace(text, description=text.description[: LIMIT - 1].rstrip() + "…")


def _wording(event: Event) -> Wording:  # noqa: PLR0911 - a table in code
    match event:
        case BuildRequested():
            return Wording(rank=1, state="pending", description="Waiting for the build")
        case BuildStarted():
            return Wording(rank=2, state="pending", description="Building")
        case ReleaseStarted():
            return Wording(rank=3, state="pending", description=f"Releasing v{event.release}")
        case ReleaseLive():
            return Wording(rank=ENDED, state="success", description=f"Live as v{event.release} at {event.url}")
        case BuildFailed():
            return _failure(f"Build failed at {event.step}: {event.reason}")
        case ReleaseFailed():
            return _failure(f"Release failed at {event.step}: {event.reason}")
        case PushIgnored():
            return Wording(rank=ENDED, state="success", description=f"Skipped: {event.reason}")
        case PushSuperseded() | ReleaseSuperseded():
            return Wording(rank=ENDED, state="error", description=f"Superseded: {event.reason}")
        case _:
            msg = f"{event.type} has no wording"
            raise TypeError(msg)


def _failure(text: str) -> Wording:
    return Wording(rank=ENDED, state="failure", description=" ".join(text.split()))
