"""Encrypted texts in columns of tables: encrypting them again with the newest key."""

from collections.abc import Callable
from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.apps import Cipher

# Beside config, whose values releases have too: the table, its key as text, and the column.
_COLUMNS = (
    ("webhook_secrets", "app", "secret"),
    ("notification_channels", "id::text", "secret"),
    ("notification_channels", "id::text", "target"),
)
_BATCH = 200
_READ = """
select {key} as key, {column} as value from {table} where {key} > :after and {column} <> ''
order by {key} limit :limit for update
"""
_WRITE = "update {table} set {column} = :value where {key} = :key"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSealedSecrets:
    """SealedSecrets of webhooks and channels of notifications, and of what else `others` renew."""

    database: Postgres
    cipher: Cipher
    others: tuple[Callable[[], int], ...]

    def renew(self) -> int:
        """Encrypt all secrets with the newest key; see SealedSecrets."""
        return sum(self._renew(*column) for column in _COLUMNS) + sum(other() for other in self.others)

    def _renew(self, table: str, key: str, column: str) -> int:
        names = {"table": table, "key": key, "column": column}
        renewed, after = 0, ""
        while True:
            with self.database.transaction():
                rows = self.database.run(_READ.format(**names), after=after, limit=_BATCH)
                for row, old in rows:
                    value = self.cipher.renew(old)
                    if value != old:
                        renewed += 1
                        self.database.run(_WRITE.format(**names), key=row, value=value)
            if not rows:
                return renewed
            after = rows[-1][0]
