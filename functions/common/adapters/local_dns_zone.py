"""DnsZone of the one-machine platform: a table; names below localhost need no resolver."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.errors import Rejected
from functions.common.ports.dns_zone import DnsAction, DnsRecord

_TYPE, _ADDRESS = "A", "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDnsZone:
    """DnsZone over the table platform.dns_records; our mark is the owner."""

    database: Postgres

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Make the host lead here; see DnsZone."""
        with self.database.transaction():
            there = self._locked(host)
            if there == DnsRecord(host=host, type=_TYPE, content=_ADDRESS, owner=owner):
                return DnsAction.UNCHANGED
            sql = (
                "insert into platform.dns_records (host, type, content, owner) "
                "values (:host, :type, :content, :owner) on conflict (host) do update "
                "set type = excluded.type, content = excluded.content, owner = excluded.owner "
                "where platform.dns_records.owner <> ''"
            )
            self.database.run(sql, host=host, type=_TYPE, content=_ADDRESS, owner=owner)
            return DnsAction.UPDATED if there else DnsAction.CREATED

    def withdraw(self, host: str, *, owner: str) -> DnsAction:  # noqa: ARG002 - any mark of ours will do
        """Delete the host's record when it is ours; see DnsZone."""
        with self.database.transaction():
            if not self._locked(host):
                return DnsAction.UNCHANGED
            self.database.run("delete from platform.dns_records where host = :host and owner <> ''", host=host)
            return DnsAction.DELETED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record that carries our mark; see DnsZone."""
        sql = "select host, type, content, owner from platform.dns_records where owner <> '' order by host"
        return tuple(DnsRecord(**row) for row in self.database.rows(sql))

    def _locked(self, host: str) -> DnsRecord | None:
        sql = "select host, type, content, owner from platform.dns_records where host = :host for update"
        rows = self.database.rows(sql, host=host)
        if not rows:
            return None
        record = DnsRecord(**rows[0])
        if not record.owner:
            msg = (
                f"a DNS record for {host} is there that Slipway did not make ({record.type} {record.content}): "
                "delete it, or choose another host"
            )
            raise Rejected(msg)
        return record
