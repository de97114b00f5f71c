"""The audit log."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.audit import AuditRecord

_RECORD = "insert into audit_log (actor, action, target, detail) values (:actor, :action, :target, :detail)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditLog:
    """AuditLog over the table audit_log."""

    database: Postgres

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; see AuditLog."""
        self.database.run(_RECORD, actor=actor, action=action, target=target, detail=detail)


# `rollback` names an environment by its label. The other actions have an app as their target; names of users and
# tokens are targets too, and may be the same as that of an app.
_OF_APP = """
split_part(action, '.', 1) = any(array['app', 'collaborator', 'config', 'deploy', 'domain', 'limits', 'maintenance',
    'notification', 'process', 'repo', 'restart', 'rollback', 'run', 'scale', 'undeploy'])
and at >= (select created_at from projects where name = :app)
and (target = :app or target in (select label from environments where app = :app))
"""
_PAGE = f"""
select id, at, actor, action, target, detail from audit_log
where (:before::bigint = 0 or id < :before::bigint)
    and (:actor::text = '' or actor = :actor::text)
    and (:action::text = '' or action = :action::text or split_part(action, '.', 1) = :action::text)
    and (:target::text = '' or target = :target::text)
    and (:app::text = '' or {_OF_APP})
order by id desc limit :limit
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditTrail:
    """AuditTrail over the table audit_log."""

    database: Postgres

    def page(
        self, *, app: str, actor: str, action: str, target: str, before: int, limit: int
    ) -> tuple[AuditRecord, ...]:
        """Return a page of the audit log; see AuditTrail."""
        filters = {"app": app, "actor": actor, "action": action, "target": target}
        return tuple(AuditRecord(**row) for row in self.database.rows(_PAGE, before=before, limit=limit, **filters))
