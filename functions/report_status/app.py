"""Composition root of report-status."""

from functools import partial

from functions.common.adapters.postgres.forge import PostgresCommitLookup, PostgresStatusJournal
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted
from functions.common.events.push import PushIgnored, PushSuperseded
from functions.common.events.release import ReleaseFailed, ReleaseLive, ReleaseStarted, ReleaseSuperseded
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.report_status.handler import Links, handle


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    show = partial(
        handle,
        facts=PostgresCommitLookup(database=parts.database),
        journal=PostgresStatusJournal(database=parts.database),
        statuses=parts.platform.commit_statuses(),
        links=Links(gateway=parts.settings.gateway.url),
    )
    return subscriber(
        "report-status",
        on(BuildRequested, show),
        on(BuildStarted, show),
        on(BuildFailed, show),
        on(ReleaseStarted, show),
        on(ReleaseLive, show),
        on(ReleaseFailed, show),
        on(ReleaseSuperseded, show),
        on(PushSuperseded, show),
        on(PushIgnored, show),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


report_status = http_target(create, check_migrations)
