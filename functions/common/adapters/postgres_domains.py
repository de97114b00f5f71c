"""Custom domains in the table custom_domains."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres

_ADD = "insert into custom_domains (host, app) values (:host, :app) on conflict do nothing"
_OWNER = "select app from custom_domains where host = :host"
_REMOVE = "delete from custom_domains where host = :host and app = :app returning host"
# The table that the apps' rows show: the first of the app's hosts.
_SHOWN = """
update projects set custom_domain = coalesce((select min(host) from custom_domains where app = :app), '')
where name = :app
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDomains:
    """Domains over the table custom_domains."""

    database: Postgres

    def add(self, app: str, host: str) -> str:
        """Give the host to the app; see Domains."""
        with self.database.transaction():
            self.database.run(_ADD, host=host, app=app)
            owner = str(self.database.run(_OWNER, host=host)[0][0])
            self.database.run(_SHOWN, app=app)
        return owner

    def remove(self, app: str, host: str) -> bool:
        """Take the host from the app; see Domains."""
        with self.database.transaction():
            removed = self.database.run(_REMOVE, host=host, app=app)
            self.database.run(_SHOWN, app=app)
        return bool(removed)
