"""Certificates by cert-manager: one wildcard for the default domain, one certificate for each other host."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import APP, MANAGED, MANAGER, WILDCARD, secret_of
from functions.common.adapters.kubernetes.reports import named_object
from functions.common.adapters.kubernetes.status import condition, number, part
from functions.common.events.envelope import Envelope
from functions.common.events.network import CertificateChanged
from functions.common.ports.network import CertificateStatus

HOST = "slipway.dev/host"
_VERSION = "cert-manager.io/v1"
# Reasons of Ready=False while the certificate is being issued; none of them is an error.
_ISSUING = frozenset({"DoesNotExist", "MissingData", "RequestChanged", "SecretMismatch", "IncorrectIssuer", "Renewing"})
_OF_APPS = {"key": APP, "operator": "Exists"}  # on the namespaces of apps, as the Gateway selects them too


@dataclass(frozen=True, slots=True, kw_only=True)
class CertManagerReports:
    """CertificateReports over the Certificates of one namespace."""

    api: KubernetesApi
    namespace: str

    def changed(self, envelope: Envelope) -> CertificateChanged | None:
        """Return what cert-manager says of a Certificate; see CertificateReports."""
        found = named_object(self.api, envelope, {(_VERSION, "Certificate"): "certificates"})
        if found is None or part(found, "metadata").get("namespace") != self.namespace:
            return None
        return certificate_changed(found)


def certificate_changed(found: Mapping[str, Any]) -> CertificateChanged | None:
    """Return the report of a Certificate; None for foreign objects and while a certificate is issued."""
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
    """Return the status of a Certificate; while it is being issued there is no reason."""
    status = part(found, "status")
    ready, issuing = condition(status, "Ready"), condition(status, "Issuing")
    seen = number(ready, "observedGeneration", 0)
    if seen and seen < number(part(found, "metadata"), "generation"):
        return CertificateStatus(host=host, ready=False)
    if ready.get("status") == "True":
        return CertificateStatus(host=host, ready=True, not_after=str(status.get("notAfter", "")))
    if issuing.get("status") == "False":  # the last attempt failed; cert-manager retries after an hour or more
        return CertificateStatus(host=host, ready=False, reason=_message(issuing))
    if issuing.get("status") == "True" or not ready or ready.get("reason") in _ISSUING:
        return CertificateStatus(host=host, ready=False)
    return CertificateStatus(host=host, ready=False, reason=_message(ready))


def _message(found: Mapping[str, Any]) -> str:
    return str(found.get("message") or found.get("reason") or "cert-manager reports a failure without a reason")


_GATEWAY = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertManagerCertificates:
    """Certificates in one namespace, where the ingress reads their Secrets.

    `issuer` is KIND/NAME, of ClusterIssuer or Issuer. With a `gateway` (NAMESPACE/NAME) each host outside the default
    domain gets a ListenerSet beside it. A wildcard needs an issuer with DNS-01.
    """

    api: KubernetesApi
    namespace: str
    issuer: str
    default_domain: str
    gateway: str = ""

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Request a certificate; see Certificates. An existing wildcard is not applied again."""
        if self._is_default(host):
            found = self._read(WILDCARD)
            wildcard = found or self._apply(WILDCARD, f"*.{self.default_domain}", WILDCARD, owner="")
            return replace(status_of(wildcard, host), shared=True)
        name = secret_of(host)
        applied = self._apply(name, host, name, owner=owner)
        if self.gateway:
            self.api.apply(self._listeners(name), self._listener_set(name, host, owner))
        return status_of(applied, host)

    def delete(self, host: str) -> None:
        """Delete the host's certificate; see Certificates. The wildcard is kept for other hosts."""
        if self._is_default(host):
            return
        name = secret_of(host)
        self.api.delete(self._certificate(name))
        if self.gateway:
            self.api.delete(self._listeners(name))
        self.api.delete(f"/api/v1/namespaces/{self.namespace}/secrets/{name}")  # cert-manager keeps it

    def status(self, host: str) -> CertificateStatus:
        """Return the status of the host's certificate; see Certificates."""
        shared = self._is_default(host)
        found = self._read(WILDCARD if shared else secret_of(host))
        if found is None:
            return CertificateStatus(host=host, ready=False, reason="no certificate was requested")
        return replace(status_of(found, host), shared=shared)

    def _is_default(self, host: str) -> bool:
        label, dot, domain = host.partition(".")
        return bool(label and dot) and domain == self.default_domain

    def _read(self, name: str) -> dict[str, Any] | None:
        return self.api.read(self._certificate(name))

    def _apply(self, name: str, dns_name: str, secret: str, *, owner: str) -> dict[str, Any]:
        kind, _, issuer = self.issuer.rpartition("/")
        body = {
            "apiVersion": _VERSION,
            "kind": "Certificate",
            "metadata": self._metadata(name, dns_name, owner),
            "spec": {
                "secretName": secret,
                "dnsNames": [dns_name],
                "issuerRef": {"name": issuer, "kind": kind or "ClusterIssuer", "group": "cert-manager.io"},
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "revisionHistoryLimit": 1,
            },
        }
        return self.api.apply(self._certificate(name), body)

    def _metadata(self, name: str, dns_name: str, owner: str) -> dict[str, Any]:
        labels = {MANAGED: MANAGER, **({APP: owner} if owner else {})}
        return {"name": name, "namespace": self.namespace, "labels": labels, "annotations": {HOST: dns_name}}

    def _certificate(self, name: str) -> str:
        return f"/apis/{_VERSION}/namespaces/{self.namespace}/certificates/{name}"

    def _listeners(self, name: str) -> str:
        return f"/apis/{_GATEWAY}/v1/namespaces/{self.namespace}/listenersets/{name}"

    def _listener_set(self, name: str, host: str, owner: str) -> dict[str, Any]:
        namespace, _, gateway = self.gateway.partition("/")
        listener = {
            "name": "https",
            "hostname": host,
            "port": 443,
            "protocol": "HTTPS",
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": name}]},
            "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchExpressions": [_OF_APPS]}}},
        }
        return {
            "apiVersion": f"{_GATEWAY}/v1",
            "kind": "ListenerSet",
            "metadata": self._metadata(name, host, owner),
            "spec": {
                "parentRef": {"group": _GATEWAY, "kind": "Gateway", "name": gateway, "namespace": namespace},
                "listeners": [listener],
            },
        }
