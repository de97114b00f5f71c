"""Custom domains and claims of them."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.domains import DomainClaim

_ADD_DOMAIN = "insert into custom_domains (host, app) values (:host, :app) on conflict do nothing"
_OWNER = "select app from custom_domains where host = :host"
_REMOVE_DOMAIN = "delete from custom_domains where host = :host and app = :app returning host"
# The column projects.custom_domain has the first of the app's hosts.
_SHOWN = """
update projects set custom_domain = coalesce((select min(host) from custom_domains where app = :app), '')
where name = :app
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDomains:
    """Domains over the table custom_domains."""

    database: Postgres

    def add(self, app: str, host: str) -> str:
        """Assign the host to the app; see Domains."""
        with self.database.transaction():
            self.database.run(_ADD_DOMAIN, host=host, app=app)
            owner = str(self.database.run(_OWNER, host=host)[0][0])
            self.database.run(_SHOWN, app=app)
        return owner

    def remove(self, app: str, host: str) -> bool:
        """Remove the host from the app; see Domains."""
        with self.database.transaction():
            removed = self.database.run(_REMOVE_DOMAIN, host=host, app=app)
            self.database.run(_SHOWN, app=app)
        return bool(removed)


_OPEN = "insert into domain_claims (app, host, value) values (:app, :host, :value) on conflict do nothing"
_CLAIM = "select app, host, value, reason from domain_claims where app = :app and host = :host"
_CLAIMS = "select app, host, value, reason from domain_claims where app = :app order by host"
_DUE = """
select app, host, value, reason from domain_claims
where checked_at < now() - greatest(interval '1 minute', (checked_at - created_at) / 4)
order by checked_at limit :limit
"""
_CHECKED = "update domain_claims set checked_at = now(), reason = :reason where app = :app and host = :host"
_CLOSE = "delete from domain_claims where app = :app and host = :host returning host"
_EXPIRE = "delete from domain_claims where created_at < now() - interval '30 days'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDomainClaims:
    """DomainClaims over the table domain_claims."""

    database: Postgres

    def open(self, app: str, host: str, *, value: str) -> DomainClaim:
        """Store a claim; see DomainClaims."""
        self.database.run(_OPEN, app=app, host=host, value=value)
        return DomainClaim(**self.database.rows(_CLAIM, app=app, host=host)[0])

    def of_app(self, app: str) -> tuple[DomainClaim, ...]:
        """Return the app's claims; see DomainClaims."""
        return tuple(DomainClaim(**row) for row in self.database.rows(_CLAIMS, app=app))

    def due(self, *, limit: int) -> tuple[DomainClaim, ...]:
        """Return claims to check again; see DomainClaims."""
        return tuple(DomainClaim(**row) for row in self.database.rows(_DUE, limit=limit))

    def mark_checked(self, claim: DomainClaim, *, reason: str) -> None:
        """Record a check; see DomainClaims."""
        self.database.run(_CHECKED, app=claim.app, host=claim.host, reason=reason)

    def close(self, app: str, host: str) -> bool:
        """Delete a claim; see DomainClaims."""
        return bool(self.database.run(_CLOSE, app=app, host=host))

    def expire(self) -> None:
        """Delete old claims; see DomainClaims."""
        self.database.run(_EXPIRE)
