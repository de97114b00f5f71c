"""Gives one host its certificate, or takes it back."""

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
class Holdings:
    """Decides by what is wanted now, not by which event came: events may be late or out of order."""

    certificates: Certificates
    hosts: HostDirectory
    ledger: CertificateLedger
    clock: Clock

    def settle(self, host: str, cause: Event) -> CertificateReady | CertificateFailed | None:
        """Ask for the host's certificate unless a valid one is known, or forget it when nothing wants the host."""
        owner = self.hosts.owner(host)
        if not owner:
            self.certificates.withdraw(host)
            if self.ledger.find(host):
                self.ledger.note(KnownCertificate(host=host, app=cause.app, state="deleted"))
            return None
        known = self.valid(host)
        if known:
            return self._ready(known, cause)
        return self.take(self.certificates.ensure(host, owner=owner), owner, cause)

    def take(self, seen: CertificateStatus, owner: str, cause: Event) -> CertificateReady | CertificateFailed | None:
        """Remember what is seen of a certificate; one that is still being issued is no news."""
        if seen.ready:
            known = KnownCertificate(host=seen.host, app=owner, state="ready", not_after=seen.not_after)
            self.ledger.note(known)
            return self._ready(known, cause)
        if not seen.reason:
            return None
        self.ledger.note(KnownCertificate(host=seen.host, app=owner, state="failed", reason=seen.reason))
        where = {"app": owner, "environment": cause.environment, "push": cause.push}
        return CertificateFailed(**where, host=seen.host, reason=seen.reason)

    def valid(self, host: str) -> KnownCertificate | None:
        """Return the host's certificate when it is known to be valid now."""
        known = self.ledger.find(host)
        if known is None or known.state != "ready":
            return None
        if known.not_after and datetime.fromisoformat(known.not_after) <= self.clock.now():
            return None
        return known

    def _ready(self, known: KnownCertificate, cause: Event) -> CertificateReady:
        where = {"app": known.app, "environment": cause.environment, "push": cause.push}
        return CertificateReady(**where, host=known.host, not_after=known.not_after)
