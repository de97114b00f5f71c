"""Custom domains: who has them, who claims them, and what proves a claim."""

from dataclasses import dataclass
from typing import Protocol


class Domains(Protocol):
    """Stores custom domains; each belongs to one app."""

    def add(self, app: str, host: str) -> str:
        """Assign the host to the app unless another app has it; return the app that has it now."""
        ...

    def remove(self, app: str, host: str) -> bool:
        """Remove the host from the app; False when the app does not have it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainClaim:
    """An app's claim of a host; a TXT record `name` with this value proves it. `reason` is why it is not proved yet."""

    app: str
    host: str
    value: str
    reason: str = ""

    @property
    def name(self) -> str:
        """The name of the TXT record."""
        return f"_slipway-challenge.{self.host}"


class DomainClaims(Protocol):
    """Stores claims. Several apps may claim one host: a claim keeps nobody from proving theirs."""

    def open(self, app: str, host: str, *, value: str) -> DomainClaim:
        """Store a claim with this value; return the one that exists, if there is one."""
        ...

    def of_app(self, app: str) -> tuple[DomainClaim, ...]:
        """Return the app's claims by host."""
        ...

    def due(self, *, limit: int) -> tuple[DomainClaim, ...]:
        """Return claims to check again: each after a minute, and less often the older it is."""
        ...

    def mark_checked(self, claim: DomainClaim, *, reason: str) -> None:
        """Record that the claim was checked now, and why it is not proved."""
        ...

    def close(self, app: str, host: str) -> bool:
        """Delete a claim; False when there is none."""
        ...

    def expire(self) -> None:
        """Delete claims that nobody proved in 30 days."""
        ...


class TxtRecords(Protocol):
    """Reads TXT records from the DNS."""

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values at a name, none when there is no such record. Raises Unavailable."""
        ...


def proves(records: TxtRecords, claim: DomainClaim) -> str:
    """Return why the DNS does not prove the claim, empty when it does. Raises Unavailable."""
    found = records.values(claim.name)
    if claim.value in found:
        return ""
    return f"the TXT record {claim.name} has another value" if found else f"there is no TXT record {claim.name} yet"
