"""Hosts: which are wanted, and the states of their DNS records and certificates."""

from dataclasses import dataclass
from datetime import timedelta

from functions.common.adapters.postgres.client import Postgres
from functions.common.events.envelope import from_json
from functions.common.ports.network import IncompleteHost, KnownCertificate, RecordState, UnwantedHost

_OWNER = """
select app from environments where label = :label and :label <> '' and state = 'open'
union all select app from custom_domains where host = :host
limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHostDirectory:
    """HostDirectory over the tables environments and custom_domains; default hosts are `<label>.<domain>`."""

    database: Postgres
    domain: str

    def owner(self, host: str) -> str:
        """Return the app that serves the host; see HostDirectory."""
        label = host.removesuffix(f".{self.domain}")
        rows = self.database.run(_OWNER, label="" if label == host else label, host=host)
        return str(rows[0][0]) if rows else ""


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
class PostgresDnsRecordLedger:
    """DnsRecordLedger over the table dns_records."""

    database: Postgres

    def record(self, host: str, *, app: str, state: RecordState, reason: str = "") -> None:
        """Record the state of a DNS record; see DnsRecordLedger."""
        self.database.run(_NOTE_RECORD, host=host, app=app, state=state, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCertificateLedger:
    """CertificateLedger over the table certificates."""

    database: Postgres

    def record(self, certificate: KnownCertificate) -> None:
        """Record the state of a certificate; see CertificateLedger."""
        self.database.run(
            _NOTE_CERTIFICATE,
            host=certificate.host,
            app=certificate.app,
            state=certificate.state,
            reason=certificate.reason,
            not_after=certificate.not_after,
        )

    def find(self, host: str) -> KnownCertificate | None:
        """Return the recorded certificate of a host; see CertificateLedger."""
        rows = self.database.rows(_FIND, host=host)
        return KnownCertificate(**rows[0]) if rows else None


_WANTED = """
    select e.label || '.' || :domain as host, e.app, e.name as environment, e.branch, e.opened_at as since,
        case when e.name = 'production' then 'app' else 'preview' end as kind
    from environments as e where e.state = 'open'
    union all
    select c.host, c.app, 'production', '', a.created_at, 'domain'
    from custom_domains as c join projects as a on a.name = c.app
"""
_INCOMPLETE = f"""
select w.host, w.app, w.environment, w.branch, w.kind, d.host is not null as has_record,
    s.host is not null as has_certificate,
    (select body from events as v where v.app = w.app and v.body::json #>> '{{data,host}}' = w.host
        and v.type = case w.kind when 'app' then 'dev.slipway.app.created.v1'
            when 'domain' then 'dev.slipway.domain.added.v1' else 'dev.slipway.preview.opened.v1' end
        order by v.sequence desc limit 1) as announced
from ({_WANTED}) as w
left join dns_records as d on d.host = w.host and d.state = 'ready'
left join certificates as s on s.host = w.host and s.state = 'ready'
left join host_reminders as r on r.host = w.host
where (d.host is null or s.host is null) and w.since < now() - cast(:longer_than as interval)
    and (r.host is null or r.asked_at < now() - least(cast(:longer_than as interval) * power(2, least(r.count, 12)),
        interval '1 hour'))
order by r.asked_at nulls first, w.host limit :limit
"""  # noqa: S608 - constants
_UNWANTED = f"""
select host, min(app) as app from (
    select host, app, moved_at from dns_records where state = 'ready'
    union all select host, app, moved_at from certificates where state = 'ready'
) as kept
where not exists (select 1 from ({_WANTED}) as w where w.host = kept.host)
group by host having max(moved_at) < now() - cast(:longer_than as interval) order by host limit :limit
"""  # noqa: S608 - as above
_REMINDED = """
insert into host_reminders as kept (host) values (:host)
on conflict (host) do update set count = kept.count + 1, asked_at = now()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHostCheck:
    """HostCheck over the tables of hosts, records and certificates; default hosts are `<label>.<domain>`."""

    database: Postgres
    domain: str

    def incomplete(self, *, longer_than: timedelta, limit: int) -> tuple[IncompleteHost, ...]:
        """Return wanted hosts without record or certificate; see HostCheck."""
        rows = self.database.rows(_INCOMPLETE, domain=self.domain, longer_than=longer_than, limit=limit)
        return tuple(
            IncompleteHost(**row | {"announced": from_json(row["announced"]) if row["announced"] else None})
            for row in rows
        )

    def unwanted(self, *, longer_than: timedelta, limit: int) -> tuple[UnwantedHost, ...]:
        """Return hosts that are no longer wanted; see HostCheck."""
        rows = self.database.rows(_UNWANTED, domain=self.domain, longer_than=longer_than, limit=limit)
        return tuple(UnwantedHost(**row) for row in rows)

    def mark_reminded(self, host: str) -> None:
        """Record a reminder; see HostCheck."""
        self.database.run(_REMINDED, host=host)
