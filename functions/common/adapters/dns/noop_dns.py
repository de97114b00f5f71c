"""DnsZone without a provider: a wildcard record, or records made by hand, point to the platform."""

from functions.common.ports.network import DnsAction, DnsRecord


class NoopDnsZone:
    """DnsZone that changes nothing."""

    def ensure(self, host: str, *, owner: str) -> DnsAction:  # noqa: ARG002 - nothing changes
        """Return UNCHANGED; see DnsZone."""
        return DnsAction.UNCHANGED

    def delete(self, host: str) -> DnsAction:  # noqa: ARG002 - nothing changes
        """Return UNCHANGED; see DnsZone."""
        return DnsAction.UNCHANGED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return none; see DnsZone."""
        return ()
