"""All that is known of a push, for explaining it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A webhook that came in; `published` says whether the broker is known to have its event, of the type `type`."""

    provider: str
    delivery: str
    kind: str
    outcome: str
    reason: str
    sha: str
    event: str
    type: str
    received_at: datetime
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecord:
    """What became of a push for one app; `app` is empty when no app matches."""

    id: str
    app: str
    environment: str
    repository: str
    ref: str
    sha: str
    message: str
    author: str
    state: str
    code: str
    step: str
    reason: str
    received_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event of a push as it was recorded, or parked when `error` says why no function could handle it."""

    id: str
    type: str
    app: str
    environment: str
    at: datetime
    data: Mapping[str, Any] = field(repr=False)
    error: str = ""
    subscriber: str = ""


class PushRecords(Protocol):
    """Finds pushes by sha, by at least seven first characters of one, or by the push's id."""

    def deliveries(self, reference: str) -> tuple[DeliveryRecord, ...]:
        """Return the deliveries, oldest first."""
        ...

    def pushes(self, reference: str) -> tuple[PushRecord, ...]:
        """Return the pushes, oldest first, each app by name."""
        ...

    def events(self, push: str) -> tuple[RecordedEvent, ...]:
        """Return what happened to the push with this id, in time order, parked events included."""
        ...
