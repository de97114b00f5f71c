"""A DNS zone in memory."""

from functions.common.errors import Rejected, Unavailable
from functions.common.ports.network import DnsAction, DnsRecord

ADDRESS = "192.0.2.1"


class FakeDnsZone:
    """DnsZone; `records` may be filled with foreign ones (no owner), `down` makes it unavailable."""

    def __init__(self) -> None:
        self.records: dict[str, DnsRecord] = {}
        self.down = False

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Make the host lead here; see DnsZone."""
        there, wanted = self._ours(host), DnsRecord(host=host, type="A", content=ADDRESS, owner=owner)
        self.records[host] = wanted
        if there == wanted:
            return DnsAction.UNCHANGED
        return DnsAction.UPDATED if there else DnsAction.CREATED

    def withdraw(self, host: str, *, owner: str) -> DnsAction:  # noqa: ARG002 - any mark of ours will do
        """Delete the host's record when it is ours; see DnsZone."""
        if not self._ours(host):
            return DnsAction.UNCHANGED
        del self.records[host]
        return DnsAction.DELETED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return our records; see DnsZone."""
        self._answer()
        return tuple(record for _, record in sorted(self.records.items()) if record.owner)

    def _ours(self, host: str) -> DnsRecord | None:
        self._answer()
        record = self.records.get(host)
        if record and not record.owner:
            msg = f"a DNS record for {host} is there that Slipway did not make"
            raise Rejected(msg)
        return record

    def _answer(self) -> None:
        if self.down:
            msg = "the DNS zone is down"
            raise Unavailable(msg)
