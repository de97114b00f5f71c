"""Keeps a certificate for every host that an app has; while one is valid, no other is requested."""

from collections.abc import Callable

from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.envelope import Envelope
from functions.common.events.network import CertificateChanged, CertificateFailed, CertificateReady
from functions.common.ports.network import CertificateStatus
from functions.issue_cert.certificate_service import CertificateService

OneHost = AppCreated | DomainAdded | DomainRemoved | PreviewOpened | PreviewClosed


def handle(event: OneHost, *, service: CertificateService) -> CertificateReady | CertificateFailed | None:
    """Sync the certificate of the event's host."""
    return service.sync(event.host, event)


def handle_deleted(event: AppDeleted, *, service: CertificateService) -> None:
    """Withdraw the certificates of all hosts that the app had."""
    for host in event.hosts:
        service.sync(host, event)


def handle_changed(
    event: CertificateChanged, *, service: CertificateService
) -> CertificateReady | CertificateFailed | None:
    """Record an issuer's report, unless no app has the host or a failure contradicts a valid certificate."""
    owner = service.hosts.owner(event.host)
    if not owner or (not event.ready and service.valid(event.host)):
        return None
    seen = CertificateStatus(host=event.host, ready=event.ready, not_after=event.not_after, reason=event.reason)
    return service.record(seen, owner, event)


def handle_object(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], CertificateChanged | None],
    changed: Callable[[CertificateChanged], CertificateReady | CertificateFailed | None],
) -> CertificateReady | CertificateFailed | None:
    """Handle what a changed object in the cluster says of a certificate; ignore other objects."""
    seen = read(envelope)
    return changed(seen) if seen else None
