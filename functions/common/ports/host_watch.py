"""Hosts whose names or certificates are not what they should be."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from functions.common.events.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingHost:
    """A wanted host; `announced` is the event that asked for it, when it is recorded."""

    host: str
    app: str
    environment: str
    branch: str
    kind: Literal["app", "domain", "preview"]
    has_record: bool
    has_certificate: bool
    announced: Envelope | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedHost:
    """A host that has a record or certificate for an app, and that nothing wants."""

    host: str
    app: str


class HostWatch(Protocol):
    """Compares hosts with records and certificates."""

    def lacking(self, *, longer_than: timedelta, limit: int) -> tuple[LackingHost, ...]:
        """Return wanted hosts that lack something for so long, unless a reminder of them is recent.

        The wait after a reminder doubles with each one, to an hour.
        """
        ...

    def unwanted(self, *, longer_than: timedelta, limit: int) -> tuple[UnwantedHost, ...]:
        """Return hosts that nothing wants and whose record or certificate did not change for so long."""
        ...

    def reminded(self, host: str) -> None:
        """Note that the host's record and certificate were asked for again."""
        ...
