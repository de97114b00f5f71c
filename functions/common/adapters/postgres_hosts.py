"""Which hosts are wanted, by the tables environments and custom_domains."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres

_OWNER = """
select app from environments where label = :label and :label <> '' and state = 'open'
union all select app from custom_domains where host = :host
limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresHosts:
    """HostDirectory; `domain` is that of the default hosts, `<label>.<domain>`."""

    database: Postgres
    domain: str

    def owner(self, host: str) -> str:
        """Return the app that answers at the host; see HostDirectory."""
        label = host.removesuffix(f".{self.domain}")
        rows = self.database.run(_OWNER, label="" if label == host else label, host=host)
        return str(rows[0][0]) if rows else ""
