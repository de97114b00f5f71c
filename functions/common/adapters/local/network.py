"""DNS records and certificates of one machine: tables that the rollout controller gives to Caddy."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.clock import Clock
from functions.common.ports.network import CertificateStatus, DnsAction, DnsRecord, foreign_record

# Names below localhost need no resolver.
_TYPE, _ADDRESS = "A", "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDnsZone:
    """DnsZone over the table platform.dns_records; the mark is the owner."""

    database: Postgres

    def ensure(self, host: str, *, owner: str) -> DnsAction:
        """Point the host to this machine; see DnsZone."""
        with self.database.transaction():
            found = self._locked(host)
            if found == DnsRecord(host=host, type=_TYPE, content=_ADDRESS, owner=owner):
                return DnsAction.UNCHANGED
            sql = (
                "insert into platform.dns_records (host, type, content, owner) "
                "values (:host, :type, :content, :owner) on conflict (host) do update "
                "set type = excluded.type, content = excluded.content, owner = excluded.owner "
                "where platform.dns_records.owner <> ''"
            )
            self.database.run(sql, host=host, type=_TYPE, content=_ADDRESS, owner=owner)
            return DnsAction.UPDATED if found else DnsAction.CREATED

    def delete(self, host: str) -> DnsAction:
        """Delete the host's record; see DnsZone."""
        with self.database.transaction():
            if not self._locked(host):
                return DnsAction.UNCHANGED
            self.database.run("delete from platform.dns_records where host = :host and owner <> ''", host=host)
            return DnsAction.DELETED

    def owned(self) -> tuple[DnsRecord, ...]:
        """Return every record with the mark; see DnsZone."""
        sql = "select host, type, content, owner from platform.dns_records where owner <> '' order by host"
        return tuple(DnsRecord(**row) for row in self.database.rows(sql))

    def _locked(self, host: str) -> DnsRecord | None:
        sql = "select host, type, content, owner from platform.dns_records where host = :host for update"
        rows = self.database.rows(sql, host=host)
        if not rows:
            return None
        record = DnsRecord(**rows[0])
        if not record.owner:
            raise foreign_record(record)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCertificates:
    """Certificates over the table platform.certificates; Caddy's own authority issues and renews them."""

    database: Postgres
    clock: Clock

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Request a certificate; see Certificates."""
        sql = (
            "insert into platform.certificates (host, owner) values (:host, :owner) "
            "on conflict (host) do update set owner = excluded.owner "
            "where platform.certificates.owner <> excluded.owner"
        )
        self.database.run(sql, host=host, owner=owner)
        return self.status(host)

    def delete(self, host: str) -> None:
        """Delete the host's certificate; see Certificates."""
        self.database.run("delete from platform.certificates where host = :host", host=host)

    def status(self, host: str) -> CertificateStatus:
        """Return the status of the host's certificate; see Certificates."""
        rows = self.database.run("select not_after, reason from platform.certificates where host = :host", host=host)
        if not rows:
            return CertificateStatus(host=host, ready=False, reason="no certificate was requested")
        not_after, reason = rows[0]
        ready = bool(not_after) and datetime.fromisoformat(not_after) > self.clock.now()
        return CertificateStatus(host=host, ready=ready, not_after=not_after, reason="" if ready else reason)
