"""DNS records, certificates, and the hosts that need them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol

from functions.common.errors import Rejected
from functions.common.events.envelope import Envelope
from functions.common.events.network import CertificateChanged

RecordState = Literal["ready", "refused", "deleted"]
CertificateState = Literal["ready", "failed", "deleted"]


class HostDirectory(Protocol):
    """Knows which hosts are wanted now, whatever order events arrive in."""

    def owner(self, host: str) -> str:
        """Return the app that serves the host, empty when no open environment and no domain wants it."""
        ...


class DnsAction(StrEnum):
    """What a call changed."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """A record of a zone; `owner` is the app named in Slipway's mark, empty for records without the mark."""

    host: str
    type: str
    content: str
    owner: str


def foreign_record(record: DnsRecord) -> Rejected:
    """Return the error for a record without the mark."""
    what = f"{record.host} has a DNS record that Slipway did not create ({record.type} {record.content})"
    return Rejected(f"{what}: delete it, or choose another host")


class DnsZone(Protocol):
    """One zone, or several, at one provider. Only records with Slipway's mark are changed."""

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Point the host to this platform. Raises Rejected when it has a record without the mark."""
        ...

    def delete(self, host: str) -> DnsAction:
        """Delete the host's record; a missing one is UNCHANGED. Raises Rejected for a record without the mark."""
        ...

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record with the mark."""
        ...


class DnsRecordLedger(Protocol):
    """Records the states of DNS records."""

    def record(self, host: str, *, app: str, state: RecordState, reason: str = "") -> None:
        """Record the state of a host's record; a repeat changes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """`ready` with an RFC 3339 `not_after`, or not ready with the reason (empty while it is being issued).

    `shared` when the certificate covers further hosts, such as a wildcard: deleting one host keeps it.
    """

    host: str
    ready: bool
    not_after: str = ""
    reason: str = ""
    shared: bool = False


class Certificates(Protocol):
    """An issuer; it renews the certificates it issued."""

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Request a certificate unless a valid one covers the host; return its status now."""
        ...

    def delete(self, host: str) -> None:
        """Delete the host's certificate; a missing one is not an error."""
        ...

    def status(self, host: str) -> CertificateStatus:
        """Return the status of the host's certificate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCertificate:
    """The last recorded state of a certificate; `not_after` is RFC 3339, empty when not known."""

    host: str
    app: str
    state: CertificateState
    reason: str = ""
    not_after: str = ""


class CertificateReports(Protocol):
    """Asks an issuer about the certificate that one of its events names."""

    def changed(self, envelope: Envelope) -> CertificateChanged | None:
        """Return what the issuer says now; None for foreign events, unknown certificates and those being issued."""
        ...


class CertificateLedger(Protocol):
    """Records the states of certificates."""

    def record(self, certificate: KnownCertificate) -> None:
        """Record the state of a certificate; a repeat changes nothing."""
        ...

    def find(self, host: str) -> KnownCertificate | None:
        """Return the recorded state of the host's certificate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteHost:
    """A wanted host without record or certificate; `announced` is the event that requested it, when recorded."""

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
    """A host that has a record or a certificate for an app and is no longer wanted."""

    host: str
    app: str


class HostCheck(Protocol):
    """Compares the wanted hosts with records and certificates."""

    def incomplete(self, *, longer_than: timedelta, limit: int) -> tuple[IncompleteHost, ...]:
        """Return hosts that have been incomplete for this long, except recently reminded ones.

        The wait after a reminder doubles with each one, up to an hour.
        """
        ...

    def unwanted(self, *, longer_than: timedelta, limit: int) -> tuple[UnwantedHost, ...]:
        """Return unwanted hosts whose record and certificate have not changed for this long."""
        ...

    def mark_reminded(self, host: str) -> None:
        """Record that the host's record and certificate were requested again."""
        ...
