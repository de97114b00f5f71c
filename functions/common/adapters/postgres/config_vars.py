"""Config of apps: environment variables, encrypted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.errors import Rejected
from functions.common.ports.apps import Cipher, ConfigScope, LiveConfig

_READ = "select key, value from config_vars where app = :app and scope = :scope"
_LOCK = "select 1 from projects where name = :app for update"
_SET = """
insert into config_vars (app, scope, key, value) values (:app, :scope, :key, :value)
on conflict (app, scope, key) do update set value = excluded.value
"""
_UNSET = "delete from config_vars where app = :app and scope = :scope and key = :key"
_OF_RELEASE = "select config from releases where app = :app and environment = :environment and number = :number"
_LIVE = """
select r.environment, r.number, r.config from releases as r
join environments as e on e.app = r.app and e.name = r.environment and e.state = 'open'
where r.app = :app and r.state = 'live' and (r.environment = 'production') = (:scope::text = 'production')
order by r.environment, r.number desc limit 50
"""
_BATCH = 200
_VALUES = """
select app, scope, key, value from config_vars where (app, scope, key) > (:app, :scope, :key)
order by app, scope, key limit :limit for update
"""
_RELEASES = """
select app, environment, number, config from releases where (app, environment, number) > (:app, :environment, :number)
order by app, environment, number limit :limit for update
"""
_RENEW_RELEASE = """
update releases set config = cast(:config as jsonb)
where app = :app and environment = :environment and number = :number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresConfigVars:
    """ConfigVars over the table config_vars. A release has a copy of the encrypted values in its row."""

    database: Postgres
    cipher: Cipher

    def read(self, app: str, scope: ConfigScope) -> dict[str, str]:
        """Return key -> value; see ConfigVars."""
        return {key: self.cipher.open(value) for key, value in self._sealed(app, scope).items()}

    def change(self, app: str, scope: ConfigScope, changes: Mapping[str, str | None]) -> tuple[str, ...]:
        """Set and unset values; see ConfigVars."""
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            known = self._sealed(app, scope)
            changed = [key for key, value in sorted(changes.items()) if value != self._opened(known, key)]
            for key in changed:
                self._write(app, scope, key, changes[key])
        return tuple(changed)

    def restore(self, app: str, scope: ConfigScope, release: tuple[str, int], keys: Sequence[str]) -> tuple[str, ...]:
        """Set keys to the values of a release; see ConfigVars."""
        environment, number = release
        rows = self.database.run(_OF_RELEASE, app=app, environment=environment, number=number)
        config: dict[str, str] = rows[0][0] if rows else {}
        missing = tuple(sorted(set(keys) - config.keys()))
        if not missing:
            self.change(app, scope, {key: self.cipher.open(config[key]) for key in keys})
        return missing

    def live(self, app: str, scope: ConfigScope) -> tuple[LiveConfig, ...]:
        """Return the live releases and what differs in them; see ConfigVars."""
        now, rows = self._sealed(app, scope), self.database.run(_LIVE, app=app, scope=scope.value)
        return tuple(
            LiveConfig(environment=environment, release=number, differs=self._differing(now, config))
            for environment, number, config in rows
        )

    def differing(self, app: str, scope: ConfigScope, release: tuple[str, int]) -> tuple[str, ...]:
        """Return the keys with other values than in a release; see ConfigVars."""
        environment, number = release
        rows = self.database.run(_OF_RELEASE, app=app, environment=environment, number=number)
        return self._differing(self._sealed(app, scope), rows[0][0] if rows else {})

    def renew(self) -> int:
        """Encrypt every value with the newest key; see ConfigVars."""
        return self._renew_values() + self._renew_releases()

    def _sealed(self, app: str, scope: ConfigScope) -> dict[str, str]:
        return {key: value for key, value in self.database.run(_READ, app=app, scope=scope.value)}  # noqa: C416 - rows are lists

    def _differing(self, now: Mapping[str, str], then: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(key for key in sorted({*now, *then}) if not self._is_same(now.get(key), then.get(key)))

    def _is_same(self, one: str | None, other: str | None) -> bool:
        """Compare encrypted values; one whose key is lost is not known to be the same."""
        if one is None or other is None or one == other:
            return one == other
        try:
            return self.cipher.open(one) == self.cipher.open(other)
        except Rejected:
            return False

    def _opened(self, known: Mapping[str, str], key: str) -> str | None:
        return self.cipher.open(known[key]) if key in known else None

    def _write(self, app: str, scope: ConfigScope, key: str, value: str | None) -> None:
        if value is None:
            self.database.run(_UNSET, app=app, scope=scope.value, key=key)
        else:
            self.database.run(_SET, app=app, scope=scope.value, key=key, value=self.cipher.seal(value))

    def _renew_values(self) -> int:
        renewed, last = 0, {"app": "", "scope": "", "key": ""}
        while True:
            with self.database.transaction():
                rows = self.database.rows(_VALUES, **last, limit=_BATCH)
                for row in rows:
                    value = self.cipher.renew(row["value"])
                    if value != row["value"]:
                        renewed += 1
                        self.database.run(_SET, **{**row, "value": value})
            if not rows:
                return renewed
            last = {name: rows[-1][name] for name in last}

    def _renew_releases(self) -> int:
        renewed, last = 0, {"app": "", "environment": "", "number": 0}
        while True:
            with self.database.transaction():
                rows = self.database.rows(_RELEASES, **last, limit=_BATCH)
                for row in rows:
                    config = {key: self.cipher.renew(value) for key, value in row["config"].items()}
                    if config != row["config"]:
                        renewed += sum(config[key] != value for key, value in row["config"].items())
                        self.database.run(_RENEW_RELEASE, **{**row, "config": json.dumps(config)})
            if not rows:
                return renewed
            last = {name: rows[-1][name] for name in last}
