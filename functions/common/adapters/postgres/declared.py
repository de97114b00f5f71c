"""Gives an app the config and the numbers of processes that its repository declares."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.apps import Cipher

_LOCK = "select 1 from projects where name = :app for update"
_WAS_LIVE = """
select exists (select from releases where app = :app and environment = 'production' and state in ('live', 'retired'))
"""
_FILL = """
insert into config_vars (app, scope, key, value) values (:app, 'production', :key, :value) on conflict do nothing
"""
_KEYS = "select key from config_vars where app = :app and scope = 'production'"
_SCALE = """
insert into process_scales (app, environment, process, replicas) values (:app, 'production', :process, :replicas)
on conflict do nothing returning replicas
"""
_SHOWN = "update projects set deployment_replicas = :replicas where name = :app"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresFirstConfig:
    """FirstConfig over the tables config_vars, process_scales and releases."""

    database: Postgres
    cipher: Cipher

    def fill(self, app: str, values: Mapping[str, str]) -> frozenset[str] | None:
        """Set values where there are none; see FirstConfig."""
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            if self.database.run(_WAS_LIVE, app=app)[0][0]:
                return None
            for key, value in values.items():
                self.database.run(_FILL, app=app, key=key, value=self.cipher.seal(value))
            return frozenset(str(row[0]) for row in self.database.run(_KEYS, app=app))

    def scale(self, app: str, replicas: Mapping[str, int]) -> None:
        """Set numbers where there are none; see FirstConfig."""
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            for process, number in sorted(replicas.items()):
                if self.database.run(_SCALE, app=app, process=process, replicas=number) and process == "web":
                    self.database.run(_SHOWN, app=app, replicas=number)
