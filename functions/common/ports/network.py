"""Names and certificates: DNS records, certificates, and which hosts need them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol

from functions.common.events.envelope import Envelope

# DNS records that carry our mark.


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


# Certificates for hosts.


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """`ready` with an RFC 3339 `not_after`, or not, with the reason (empty while it is being issued).

    `shared` when it is one of several hosts, such as a wildcard: withdrawing one of them leaves it.
    """

    host: str
    ready: bool
    not_after: str = ""
    reason: str = ""
    shared: bool = False


class Certificates(Protocol):
    """An issuer; it keeps certificates valid once they were asked for."""

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Ask for a certificate unless a valid one covers the host; return what is known now."""
        ...

    def withdraw(self, host: str) -> None:
        """Forget the host's certificate; none there is no error."""
        ...

    def status(self, host: str) -> CertificateStatus:
        """Return what is known of the host's certificate."""
        ...


# Which hosts are wanted now.


class HostDirectory(Protocol):
    """Tells what should be, whatever order events come in."""

    def owner(self, host: str) -> str:
        """Return the app that answers at the host, or nothing when no open environment or domain wants it."""
        ...


# What became of names and certificates.

RecordState = Literal["ready", "refused", "deleted"]
CertificateState = Literal["ready", "failed", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCertificate:
    """A certificate as it was last seen; `not_after` is RFC 3339, empty when not known."""

    host: str
    app: str
    state: CertificateState
    reason: str = ""
    not_after: str = ""


class RecordLedger(Protocol):
    """Remembers DNS records."""

    def note(self, host: str, *, app: str, state: RecordState, reason: str = "") -> None:
        """Remember the record's state; the same again changes nothing."""
        ...


class CertificateLedger(Protocol):
    """Remembers certificates."""

    def note(self, certificate: KnownCertificate) -> None:
        """Remember the certificate's state; the same again changes nothing."""
        ...

    def find(self, host: str) -> KnownCertificate | None:
        """Return what is remembered of the host."""
        ...


# Hosts whose names or certificates are not what they should be.


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
