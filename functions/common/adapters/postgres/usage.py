"""Usage of apps and totals of the platform, from the rows of builds, pushes, releases and deliveries."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.ports.usage import MonthlyUsage, PlatformTotals

_OF_APP = """
with months as (
    select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => ago))::date as month
    from generate_series(0, :months - 1) as ago
),
spans as (
    select month, month::timestamp at time zone 'UTC' as start,
        (month + interval '1 month')::timestamp at time zone 'UTC' as stop
    from months
)
select month,
    (select count(*) from builds where app = :app and started_at >= start and started_at < stop) as builds,
    (select coalesce(extract(epoch from sum(coalesce(ended_at, now()) - started_at)), 0)::float8 from builds
        where app = :app and started_at >= start and started_at < stop) as build_seconds,
    (select count(*) from releases where app = :app and created_at >= start and created_at < stop) as releases
from spans order by month desc
"""
_DELIVERIES = "select provider, outcome, count(*) from webhook_deliveries group by provider, outcome"
_PUSHES = "select state, count(*) from pushes where app <> '' group by state"
_BUILDS = """
select state, count(*), coalesce(extract(epoch from sum(coalesce(ended_at, now()) - started_at)), 0)::float8
from builds group by state
"""
_RELEASES = "select state, count(*) from releases group by state"
_OTHERS = """
select
    (select count(*) from projects) as apps,
    (select count(*) from environments where state = 'open') as environments,
    (select count(*) from dead_letters where state = 'parked') as dead_letters,
    (select count(*) from event_outbox)
        + (select count(*) from webhook_deliveries where event is not null and published_at is null) as unpublished,
    coalesce(extract(epoch from now() - least(
        (select min(recorded_at) from event_outbox),
        (select min(received_at) from webhook_deliveries where event is not null and published_at is null)
    )), 0)::float8 as oldest_unpublished_seconds,
    coalesce(extract(epoch from now() - (select min(received_at) from pushes where ended_at is null)), 0)::float8
        as oldest_open_push_seconds,
    coalesce(extract(epoch from (select sum(ended_at - received_at) from pushes where state = 'live')), 0)::float8
        as live_seconds
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUsage:
    """Usage over the tables builds and releases."""

    database: Postgres

    def of_app(self, app: str, *, months: int) -> tuple[MonthlyUsage, ...]:
        """Return the last months of an app; see Usage."""
        return tuple(MonthlyUsage(**row) for row in self.database.rows(_OF_APP, app=app, months=months))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTotals:
    """Totals over the tables of the platform."""

    database: Postgres

    def read(self) -> PlatformTotals:
        """Return the totals; see Totals."""
        builds = self.database.run(_BUILDS)
        return PlatformTotals(
            deliveries={(provider, outcome): count for provider, outcome, count in self.database.run(_DELIVERIES)},
            pushes=dict(self.database.run(_PUSHES)),
            builds={state: count for state, count, _ in builds},
            build_seconds={state: seconds for state, _, seconds in builds},
            releases=dict(self.database.run(_RELEASES)),
            **self.database.rows(_OTHERS)[0],
        )
