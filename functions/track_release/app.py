"""Composition root of track-release."""

from functools import partial

from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.domain.addresses import Addresses
from functions.common.events.release import WorkloadChanged
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, on_type, subscriber, warm_up
from functions.track_release.canary_progress import record_share
from functions.track_release.handler import handle, handle_object


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    settings = parts.settings
    observed = partial(
        handle,
        releases=PostgresReleaseProgress(database=parts.database),
        pushes=PostgresPushLedger(database=parts.database),
        addresses=Addresses(domain=settings.apps.domain, port=settings.apps.port),
    )
    share = partial(record_share, log=parts.log, clock=parts.clock)
    read = parts.platform.workload_reports().changed
    changed = partial(handle_object, read=read, record=share, handle=observed)
    return subscriber(
        "track-release",
        on(WorkloadChanged, observed),
        on_type("dev.knative.apiserver.resource.update", changed),
        on_type("dev.tekton.event.pipelinerun.successful.v1", warm_up),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


track_release = http_target(create, check_migrations)
