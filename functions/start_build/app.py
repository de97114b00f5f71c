"""Composition root of start-build."""

from functools import partial

from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.events.build import BuildCancelled, BuildRequested
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, on_type, subscriber, warm_up
from functions.start_build.cancel import handle_app_deleted, handle_build_cancelled, handle_preview_closed
from functions.start_build.handler import handle_request


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    builds, pushes = PostgresBuildLedger(database=parts.database), PostgresPushLedger(database=parts.database)
    builds_images = parts.platform.builder()
    return subscriber(
        "start-build",
        on(
            BuildRequested,
            partial(
                handle_request,
                builds=builds,
                pushes=pushes,
                builder=builds_images,
                sink=parts.sink,
                most=parts.settings.rates.builds,
            ),
        ),
        on(BuildCancelled, partial(handle_build_cancelled, builder=builds_images)),
        on(PreviewClosed, partial(handle_preview_closed, builds=builds, builder=builds_images)),
        on(AppDeleted, partial(handle_app_deleted, builds=builds, names=builds, builder=builds_images)),
        on_type("dev.slipway.push.received.v1", warm_up),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


start_build = http_target(create, check_migrations)
