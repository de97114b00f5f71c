"""What became of names and certificates."""

from typing import ClassVar

from functions.common.events.base import Event


class DnsReady(Event):
    """The record is what it should be; `action` is created, updated, unchanged or deleted."""

    type: ClassVar[str] = "dev.slipway.dns.ready.v1"

    host: str
    action: str


class DnsRefused(Event):
    """The record is not ours to change."""

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
    """What an issuer reports of a host's certificate; may come late, twice, or out of order."""

    type: ClassVar[str] = "dev.slipway.certificate.changed.v1"

    host: str
    ready: bool
    not_after: str = ""
    reason: str = ""
