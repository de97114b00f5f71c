"""Composition root of report-status."""

from functools import partial

from functions.common.adapters.postgres.forge import PostgresCommitLookup, PostgresStatusJournal
from functions.common.events.build import BuildFailed, BuildRequested, BuildStarted
from functions.common.events.push import PushIgnored, PushSuperseded
from functions.common.events.release import ReleaseFailed, ReleaseLive, ReleaseStarted, ReleaseSuperseded
from functions.common.ports.forge import CommitStatuses
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.common.wiring.core import Core, core
from functions.common.wiring.platform import commit_statuses
from functions.report_status.handler import Links, handle


def statuses(parts: Core) -> CommitStatuses:
    """Return the forge at GITEA_URL, else what belongs to the platform."""
    url = parts.settings.optional("GITEA_URL")
    if not url:
        return commit_statuses(parts)
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaStatuses  # noqa: PLC0415 - only where it is used
    from functions.common.adapters.http_client import warm_up  # noqa: PLC0415 - as above

    warm_up(url)
    return GiteaStatuses(api=GiteaApi(url=url, token=parts.settings.required("GITEA_TOKEN")))


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    show = partial(
        handle,
        facts=PostgresCommitLookup(database=parts.database),
        journal=PostgresStatusJournal(database=parts.database),
        statuses=statuses(parts),
        links=Links(gateway=parts.settings.optional("SLIPWAY_GATEWAY_URL")),
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
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


report_status = http_target(create)
