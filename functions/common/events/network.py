"""Events of DNS records and certificates."""

from typing import ClassVar

from functions.common.events.base import Event


class DnsReady(Event):
    """The host's DNS record is as wanted; `action` is created, updated, unchanged or deleted."""

    type: ClassVar[str] = "dev.slipway.dns.ready.v1"

    host: str
    action: str


class DnsRefused(Event):
    """The host has a DNS record without Slipway's mark, which is not changed."""

    type: ClassVar[str] = "dev.slipway.dns.refused.v1"

    host: str
    reason: str


class CertificateReady(Event):
    """The host has a valid certificate."""

    type: ClassVar[str] = "dev.slipway.certificate.ready.v1"

    host: str
    not_after: str = ""


class CertificateFailed(Event):
    """The host has no valid certificate."""

    type: ClassVar[str] = "dev.slipway.certificate.failed.v1"

    host: str
    reason: str


class CertificateChanged(Event):
    """An issuer's report of a host's certificate; it may arrive late, twice, or out of order."""

    type: ClassVar[str] = "dev.slipway.certificate.changed.v1"

    host: str
    ready: bool
    not_after: str = ""
    reason: str = ""
