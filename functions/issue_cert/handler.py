"""Keeps a certificate for every host that is wanted; a valid one is never asked for again."""

from collections.abc import Callable

from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.envelope import Envelope
from functions.common.events.network import CertificateChanged, CertificateFailed, CertificateReady
from functions.common.ports.network import CertificateStatus
from functions.issue_cert.certificate_service import Holdings

OneHost = AppCreated | DomainAdded | DomainRemoved | PreviewOpened | PreviewClosed


def handle(event: OneHost, *, holdings: Holdings) -> CertificateReady | CertificateFailed | None:
    """Settle the certificate of the event's host."""
    return holdings.settle(event.host, event)


def handle_deleted(event: AppDeleted, *, holdings: Holdings) -> None:
    """Forget the certificates of all that the app had."""
    for host in event.hosts:
        holdings.settle(host, event)


def handle_changed(event: CertificateChanged, *, holdings: Holdings) -> CertificateReady | CertificateFailed | None:
    """Take over an issuer's report, unless nothing wants the host or a failure is older than a valid certificate."""
    owner = holdings.hosts.owner(event.host)
    if not owner or (not event.ready and holdings.valid(event.host)):
        return None
    seen = CertificateStatus(host=event.host, ready=event.ready, not_after=event.not_after, reason=event.reason)
    return holdings.take(seen, owner, event)


def handle_object(
    envelope: Envelope,
    *,
    read: Callable[[Envelope], CertificateChanged | None],
    changed: Callable[[CertificateChanged], CertificateReady | CertificateFailed | None],
) -> CertificateReady | CertificateFailed | None:
    """Take over what a changed object in the cluster says of a certificate; others are none of ours."""
    seen = read(envelope)
    return changed(seen) if seen else None
