"""What became of names and certificates."""

from dataclasses import dataclass
from typing import Literal, Protocol

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
