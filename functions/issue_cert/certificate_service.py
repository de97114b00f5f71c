"""Requests and withdraws the certificates of hosts, and records what the issuer reports."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.events.base import Event
from functions.common.events.network import CertificateFailed, CertificateReady
from functions.common.ports.clock import Clock
from functions.common.ports.network import (
    CertificateLedger,
    Certificates,
    CertificateStatus,
    HostDirectory,
    KnownCertificate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateService:
    """Decides by the current state, not by the type of the event: events may arrive late or out of order."""

    certificates: Certificates
    hosts: HostDirectory
    ledger: CertificateLedger
    clock: Clock

    def sync(self, host: str, cause: Event) -> CertificateReady | CertificateFailed | None:
        """Request the host's certificate unless a valid one is known; withdraw it if no app has the host."""
        owner = self.hosts.owner(host)
        if not owner:
            self.certificates.delete(host)
            if self.ledger.find(host):
                self.ledger.record(KnownCertificate(host=host, app=cause.app, state="deleted"))
            return None
        known = self.valid(host)
        if known:
            return self._ready(known, cause)
        return self.record(self.certificates.ensure(host, owner=owner), owner, cause)

    def record(self, seen: CertificateStatus, owner: str, cause: Event) -> CertificateReady | CertificateFailed | None:
        """Record the status of a certificate; there is no event while it is being issued."""
        if seen.ready:
            known = KnownCertificate(host=seen.host, app=owner, state="ready", not_after=seen.not_after)
            self.ledger.record(known)
            return self._ready(known, cause)
        if not seen.reason:
            return None
        self.ledger.record(KnownCertificate(host=seen.host, app=owner, state="failed", reason=seen.reason))
        where = {"app": owner, "environment": cause.environment, "push": cause.push}
        return CertificateFailed(**where, host=seen.host, reason=seen.reason)

    def valid(self, host: str) -> KnownCertificate | None:
        """Return the host's certificate if it is known to be valid now."""
        known = self.ledger.find(host)
        if known is None or known.state != "ready":
            return None
        if known.not_after and datetime.fromisoformat(known.not_after) <= self.clock.now():
            return None
        return known

    def _ready(self, known: KnownCertificate, cause: Event) -> CertificateReady:
        where = {"app": known.app, "environment": cause.environment, "push": cause.push}
        return CertificateReady(**where, host=known.host, not_after=known.not_after)
