"""What needs a person, from the states that other functions record."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import VISIBLE
from functions.common.domain.app import EVERYTHING, Visibility
from functions.common.ports.attention import Concern, ConcernKind

# A push that makes no progress for so long hangs, though nothing has failed yet.
_STUCK = "15 minutes"
_PUSHES = """
select distinct on (p.app, p.environment) 'push-failed' as kind, p.app, p.environment, p.id as subject, p.sha,
    p.state = 'failed' as is_wrong, p.reason, coalesce(p.ended_at, p.moved_at) as since
from pushes as p join environments as e on e.app = p.app and e.name = p.environment and e.state = 'open'
where p.state in ('failed', 'live') and p.received_at >= e.opened_at
order by p.app, p.environment, p.sequence desc, p.received_at desc
"""
_RELEASES = """
select distinct on (r.app, r.environment) 'release-failed', r.app, r.environment, r.number::text, r.sha,
    r.state = 'failed' and r.kind <> 'push', r.reason, coalesce(r.ended_at, r.moved_at)
from releases as r join environments as e on e.app = r.app and e.name = r.environment and e.state = 'open'
where r.created_at >= e.opened_at
order by r.app, r.environment, r.number desc
"""
_CONCERNS = f"""
with found as (
    select * from ({_PUSHES}) as pushes
    union all select * from ({_RELEASES}) as releases
    union all select 'push-stuck', app, environment, id, sha, true,
        'no progress since it was ' || state || case when reason = '' then '' else ': ' || reason end, moved_at
        from pushes where ended_at is null and app <> '' and moved_at < now() - interval '{_STUCK}'
    union all select 'dead-letter', app, '', id::text, '', true,
        subscriber || ' could not handle ' || type || ': ' || error, parked_at
        from dead_letters where state = 'parked'
    union all select 'certificate-failed', app, '', host, '', true, reason, moved_at
        from certificates where state = 'failed'
    union all select 'dns-refused', app, '', host, '', true, reason, moved_at
        from dns_records where state = 'refused'
)
select kind, app, environment, subject, sha, reason, since from found
where is_wrong and {VISIBLE.format(table="found", time="since")}
order by since desc limit :limit
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAttention:
    """Attention over the tables of pushes, releases, dead letters, certificates and DNS records."""

    database: Postgres

    def concerns(self, *, limit: int, visible: Visibility = EVERYTHING) -> tuple[Concern, ...]:
        """Return what needs a person now; see Attention."""
        rows = self.database.rows(_CONCERNS, limit=limit, user=visible.user, only=visible.app)
        return tuple(Concern(**{**row, "kind": ConcernKind(row["kind"])}) for row in rows)
