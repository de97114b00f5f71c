"""Composition root of export-metrics."""

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.limits import strangers
from functions.common.adapters.postgres.usage import PostgresTotals
from functions.common.platform.core import check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.export_metrics.endpoint import MetricsEndpoint


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    parts = core()
    database, rate, proxies = parts.database, parts.settings.rates.anonymous, parts.settings.clients.proxies
    return MetricsEndpoint(
        tokens=PostgresAccessTokens(database=database),
        totals=PostgresTotals(database=database),
        strangers=strangers(database, "the metrics", rate=rate, proxies=proxies),
    )


export_metrics = http_target(create, check_migrations)
