"""Certificates of the one-machine platform: Caddy's own authority issues and renews them."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.adapters.postgres import Postgres
from functions.common.ports.certificates import CertificateStatus
from functions.common.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCertificates:
    """Certificates over the table platform.certificates, which the rollout controller hands to Caddy."""

    database: Postgres
    clock: Clock

    def ensure(self, host: str, *, owner: str) -> CertificateStatus:
        """Ask for a certificate; see Certificates."""
        sql = (
            "insert into platform.certificates (host, owner) values (:host, :owner) "
            "on conflict (host) do update set owner = excluded.owner "
            "where platform.certificates.owner <> excluded.owner"
        )
        self.database.run(sql, host=host, owner=owner)
        return self.status(host)

    def withdraw(self, host: str) -> None:
        """Forget the host's certificate; see Certificates."""
        self.database.run("delete from platform.certificates where host = :host", host=host)

    def status(self, host: str) -> CertificateStatus:
        """Return what is known; see Certificates."""
        rows = self.database.run("select not_after, reason from platform.certificates where host = :host", host=host)
        if not rows:
            return CertificateStatus(host=host, ready=False, reason="no certificate was asked for")
        not_after, reason = rows[0]
        ready = bool(not_after) and datetime.fromisoformat(not_after) > self.clock.now()
        return CertificateStatus(host=host, ready=ready, not_after=not_after, reason="" if ready else reason)
