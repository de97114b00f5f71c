"""The audit log."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.audit import AuditRecord

_RECORD = "insert into audit_log (actor, action, target, detail) values (:actor, :action, :target, :detail)"
# The server's clock makes the window, so that all processes have the same one.
_REFUSED = """
insert into audit_log as a (actor, action, target, detail, latest, summary)
values (:actor, :action, :target, :detail, :latest, floor(extract(epoch from now()) / 3600)::bigint || ' ' || :digest)
on conflict (summary) where summary is not null do
"""
_REFUSE = _REFUSED + "update set count = a.count + 1, last_at = now(), latest = excluded.latest"
_LIMIT = _REFUSED + "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditLog:
    """AuditLog over the table audit_log."""

    database: Postgres

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; see AuditLog."""
        self.database.run(_RECORD, actor=actor, action=action, target=target, detail=detail)

    def refuse(self, *, actor: str, action: str, target: str = "", detail: str = "", latest: str = "") -> None:
        """Record or count a refusal; see AuditLog. One that is repeated on a new connection may count twice."""
        columns = {"actor": actor, "action": action, "target": target, "detail": detail}
        self.database.run(_REFUSE, **columns, latest=latest, digest=_digest(*columns.values()))

    def limit(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record once that something is over its limit; see AuditLog."""
        columns = {"actor": actor, "action": action, "target": target, "detail": detail}
        self.database.run(_LIMIT, **columns, latest="", digest=_digest(*columns.values()))


def _digest(*columns: str) -> str:
    return hashlib.sha256("\0".join(columns).encode(errors="surrogatepass")).hexdigest()


# `rollback` names an environment by its label. The other actions have an app as their target; names of users and
# tokens are targets too, and may be the same as that of an app.
_OF_APP = """
split_part(action, '.', 1) = any(array['app', 'build', 'collaborator', 'config', 'deploy', 'domain', 'limits',
    'maintenance', 'notification', 'process', 'repo', 'restart', 'rollback', 'run', 'scale', 'undeploy'])
and at >= (select created_at from projects where name = :app)
and (target = :app or target in (select label from environments where app = :app))
"""
_PAGE = f"""
select id, at, actor, action, target, detail, count, coalesce(last_at, at) as last_at, latest from audit_log
where (:before::bigint = 0 or id < :before::bigint)
    and (:actor::text = '' or actor = :actor::text)
    and (:action::text = '' or action = :action::text or split_part(action, '.', 1) = :action::text)
    and (:target::text = '' or target = :target::text)
    and (:app::text = '' or {_OF_APP})
    and (:since::timestamptz is null or at >= :since::timestamptz - interval '1 hour'
        and coalesce(last_at, at) >= :since::timestamptz)
order by id desc limit :limit
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditTrail:
    """AuditTrail over the table audit_log."""

    database: Postgres

    def page(
        self, *, app: str, actor: str, action: str, target: str, since: datetime | None, before: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """Return a page of the audit log; see AuditTrail."""
        filters = {"app": app, "actor": actor, "action": action, "target": target, "since": since}
        return tuple(AuditRecord(**row) for row in self.database.rows(_PAGE, before=before, limit=limit, **filters))
