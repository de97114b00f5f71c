"""Wanted numbers of processes, and limits of apps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Limits

_READ = "select process, replicas from process_scales where app = :app and environment = :environment"
_LOCK = "select 1 from projects where name = :app for update"
_SET = """
insert into process_scales (app, environment, process, replicas) values (:app, :environment, :process, :replicas)
on conflict (app, environment, process) do update set replicas = excluded.replicas
where process_scales.replicas <> excluded.replicas
returning process
"""
_SHOWN = "update projects set deployment_replicas = :replicas where name = :app"
_LIMITS = "select cpu, memory, port from projects where name = :app"
_SET_LIMITS = "update projects set cpu = :cpu, memory = :memory, port = :port where name = :app"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresScales:
    """Scales over the table process_scales."""

    database: Postgres

    def read(self, app: str, environment: str) -> dict[str, int]:
        """Return process type -> number; see Scales."""
        rows = self.database.run(_READ, app=app, environment=environment)
        return {str(process): int(replicas) for process, replicas in rows}

    def change(self, app: str, environment: str, replicas: Mapping[str, int]) -> tuple[str, ...]:
        """Set some numbers; see Scales. The column projects.deployment_replicas has that of production's web."""
        changed = list[str]()
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            for process, number in sorted(replicas.items()):
                fields = {"environment": environment, "process": process, "replicas": number}
                changed += [row[0] for row in self.database.run(_SET, app=app, **fields)]
            if "web" in replicas and environment == PRODUCTION:
                self.database.run(_SHOWN, app=app, replicas=replicas["web"])
        return tuple(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppLimits:
    """AppLimits over the table projects."""

    database: Postgres

    def read(self, app: str) -> Limits:
        """Return the limits; see AppLimits."""
        rows = self.database.rows(_LIMITS, app=app)
        return Limits(**rows[0]) if rows else Limits()

    def change(self, app: str, limits: Limits) -> tuple[str, ...]:
        """Set the limits; see AppLimits."""
        with self.database.transaction():
            self.database.run(_LOCK, app=app)
            before = asdict(self.read(app))
            self.database.run(_SET_LIMITS, app=app, **asdict(limits))
        return tuple(sorted(name for name, value in asdict(limits).items() if value != before[name]))


_IS_ON = "select maintenance from environments where app = :app and name = :environment"
_SWITCH = """
update environments set maintenance = :on
where app = :app and name = :environment and maintenance <> :on returning name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMaintenance:
    """Maintenance over the table environments."""

    database: Postgres

    def is_on(self, app: str, environment: str) -> bool:
        """Return whether the page is shown; see Maintenance."""
        return self.database.run(_IS_ON, app=app, environment=environment) == [[True]]

    def switch(self, app: str, environment: str, *, on: bool) -> bool:
        """Switch the page; see Maintenance."""
        return bool(self.database.run(_SWITCH, app=app, environment=environment, on=on))
