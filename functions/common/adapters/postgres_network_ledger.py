"""What became of names and certificates, in the tables dns_records and certificates."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.network_ledger import KnownCertificate, RecordState

_NOTE_RECORD = """
insert into dns_records as kept (host, app, state, reason) values (:host, :app, :state, :reason)
on conflict (host) do update set app = :app, state = :state, reason = :reason, moved_at = now()
where (kept.app, kept.state, kept.reason) is distinct from (excluded.app, excluded.state, excluded.reason)
"""
_NOTE_CERTIFICATE = """
insert into certificates as kept (host, app, state, reason, not_after)
values (:host, :app, :state, :reason, :not_after)
on conflict (host) do update
set app = :app, state = :state, reason = :reason, not_after = :not_after, moved_at = now()
where (kept.app, kept.state, kept.reason, kept.not_after)
    is distinct from (excluded.app, excluded.state, excluded.reason, excluded.not_after)
"""
_FIND = "select host, app, state, reason, not_after from certificates where host = :host"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresRecordLedger:
    """RecordLedger over the table dns_records."""

    database: Postgres

    def note(self, host: str, *, app: str, state: RecordState, reason: str = "") -> None:
        """Remember a record's state; see RecordLedger."""
        self.database.run(_NOTE_RECORD, host=host, app=app, state=state, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCertificateLedger:
    """CertificateLedger over the table certificates."""

    database: Postgres

    def note(self, certificate: KnownCertificate) -> None:
        """Remember a certificate's state; see CertificateLedger."""
        self.database.run(
            _NOTE_CERTIFICATE,
            host=certificate.host,
            app=certificate.app,
            state=certificate.state,
            reason=certificate.reason,
            not_after=certificate.not_after,
        )

    def find(self, host: str) -> KnownCertificate | None:
        """Return what is remembered of a host; see CertificateLedger."""
        rows = self.database.rows(_FIND, host=host)
        return KnownCertificate(**rows[0]) if rows else None
