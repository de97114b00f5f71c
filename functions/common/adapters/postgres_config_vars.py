"""Config in the table config_vars."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.ports.config_vars import ConfigScope

_READ = "select key, value from config_vars where app = :app and scope = :scope"
_LOCK = "select 1 from projects where name = :app for update"
_SET = """
insert into config_vars (app, scope, key, value) values (:app, :scope, :key, :value)
on conflict (app, scope, key) do update set value = excluded.value where config_vars.value <> excluded.value
returning key
"""
_UNSET = "delete from config_vars where app = :app and scope = :scope and key = :key returning key"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresConfigVars:
    """ConfigVars over the table config_vars."""

    database: Postgres

    def read(self, app: str, scope: ConfigScope) -> dict[str, str]:
        """Return key -> value; see ConfigVars."""
        return {key: value for key, value in self.database.run(_READ, app=app, scope=scope.value)}  # noqa: C416 - rows are lists

    def change(self, app: str, scope: ConfigScope, changes: Mapping[str, str | None]) -> tuple[str, ...]:
        """Set and unset values; see ConfigVars."""
        changed = []
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            for key, value in sorted(changes.items()):
                if value is None:
                    changed += self.database.run(_UNSET, app=app, scope=scope.value, key=key)
                else:
                    changed += self.database.run(_SET, app=app, scope=scope.value, key=key, value=value)
        return tuple(key for (key,) in changed)
