"""DnsZone where names lead here without anybody's doing: a wildcard record, or records made by hand."""

from functions.common.ports.network import DnsAction, DnsRecord


class NoopDnsZone:
    """DnsZone that changes nothing."""

    def ensure(self, host: str, *, owner: str) -> DnsAction:  # noqa: ARG002 - it is there
        """Return UNCHANGED; see DnsZone."""
        return DnsAction.UNCHANGED

    def delete(self, host: str) -> DnsAction:  # noqa: ARG002 - it stays
        """Return UNCHANGED; see DnsZone."""
        return DnsAction.UNCHANGED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return none; see DnsZone."""
        return ()
