"""What a cert-manager Certificate says; no input or output here."""

from collections.abc import Mapping
from typing import Any

from functions.common.adapters.kubernetes_health import condition, number, part
from functions.common.adapters.kubernetes_labels import APP, MANAGED, MANAGER
from functions.common.events.envelope import Envelope
from functions.common.events.network import CertificateChanged
from functions.common.ports.certificates import CertificateStatus

HOST = "slipway.dev/host"
# Ready is False for these while the certificate is on its way, with nobody to blame.
_UNDERWAY = frozenset(
    {"DoesNotExist", "MissingData", "RequestChanged", "SecretMismatch", "IncorrectIssuer", "Renewing"}
)


def certificate_changed(envelope: Envelope) -> CertificateChanged | None:
    """Return what an ApiServerSource event tells of a host's certificate; None for others, and while it is issued."""
    found = envelope.data if isinstance(envelope.data, dict) else {}
    metadata = part(found, "metadata")
    host = str(part(metadata, "annotations").get(HOST, ""))
    if found.get("kind") != "Certificate" or part(metadata, "labels").get(MANAGED) != MANAGER or not host:
        return None
    status = status_of(found, host)
    if not status.ready and not status.reason:
        return None
    app = str(part(metadata, "labels").get(APP, ""))
    return CertificateChanged(app=app, host=host, ready=status.ready, not_after=status.not_after, reason=status.reason)


def status_of(found: Mapping[str, Any], host: str) -> CertificateStatus:
    """Return the status of a Certificate; one that is being issued is not ready for no reason."""
    status = part(found, "status")
    ready, issuing = condition(status, "Ready"), condition(status, "Issuing")
    seen = number(ready, "observedGeneration", 0)
    if seen and seen < number(part(found, "metadata"), "generation"):
        return CertificateStatus(host=host, ready=False)
    if ready.get("status") == "True":
        return CertificateStatus(host=host, ready=True, not_after=str(status.get("notAfter", "")))
    if issuing.get("status") == "False":  # the last attempt failed; cert-manager tries again after an hour or more
        return CertificateStatus(host=host, ready=False, reason=_said(issuing))
    if issuing.get("status") == "True" or not ready or ready.get("reason") in _UNDERWAY:
        return CertificateStatus(host=host, ready=False)
    return CertificateStatus(host=host, ready=False, reason=_said(ready))


def _said(told: Mapping[str, Any]) -> str:
    return str(told.get("message") or told.get("reason") or "cert-manager says that it failed, and not why")
