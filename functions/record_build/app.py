"""Composition root of record-build."""

from functools import partial

from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.pushes import PostgresPushHistory, PostgresPushLedger
from functions.common.events.build import BuildEnded
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, on_type, subscriber
from functions.record_build.handler import handle_end, handle_run


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    builds, pushes = PostgresBuildLedger(database=parts.database), PostgresPushLedger(database=parts.database)
    handle = partial(
        handle_end,
        builds=builds,
        pushes=pushes,
        history=PostgresPushHistory(database=parts.database),
        images=parts.platform.image_store(),
        logs=parts.platform.build_logs(),
    )
    tekton = partial(handle_run, read=parts.platform.build_reports().ended, handle=handle)
    return subscriber(
        "record-build",
        on(BuildEnded, handle),
        on_type("dev.tekton.event.pipelinerun.successful.v1", tekton),
        on_type("dev.tekton.event.pipelinerun.failed.v1", tekton),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


record_build = http_target(create, check_migrations)
