"""Certificates for hosts."""

from dataclasses import dataclass
from typing import Protocol


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
