"""DNS records that carry our mark."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class DnsAction(StrEnum):
    """What was needed."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """`owner` is the app in our mark; empty for a record that is not ours."""

    host: str
    type: str
    content: str
    owner: str


class DnsZone(Protocol):
    """One zone, or several, at one provider."""

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Make the host lead to this platform. Raises Rejected when a record without our mark is there."""
        ...

    def withdraw(self, host: str, *, owner: str) -> DnsAction:
        """Delete the host's record when it is ours; none there is UNCHANGED.

        Raises Rejected when a record without our mark is there.
        """
        ...

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record that carries our mark."""
        ...
