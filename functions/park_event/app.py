"""Composition root of park-event."""

from functools import partial

from functions.common.adapters.postgres.events import PostgresDeadLetters
from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import ANY_TYPE, on_type, subscriber
from functions.park_event.handler import handle


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    letters, pushes = PostgresDeadLetters(database=parts.database), PostgresPushLedger(database=parts.database)
    park = partial(handle, letters=letters, log=parts.log, pushes=pushes)
    return subscriber("park-event", on_type(ANY_TYPE, park), log=parts.log, clock=parts.clock, token=parts.event_token)


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


park_event = http_target(create, check_migrations)
