"""Composition root of stream-events."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from functions.common.adapters.html.templates import JinjaTemplates
from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.feed import PostgresEventFeed
from functions.common.adapters.postgres.limits import strangers
from functions.common.adapters.postgres.members import PostgresMembers
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target, limit_body
from functions.stream_events.hub import Hub
from functions.stream_events.logs import PAUSE_SECONDS, LogFollower
from functions.stream_events.messages import messages_of
from functions.stream_events.stream import Streams

MAX_BODY = 1024
CONNECTIONS = 4


def create() -> Endpoint:
    """Return the streams as this process is configured."""
    return limit_body(compose(core()), MAX_BODY)


def compose(parts: Core) -> Streams:
    """Return the streams over PostgreSQL."""
    settings, templates = parts.settings, JinjaTemplates()
    feed = PostgresEventFeed(database=parts.database, url=settings.database.url.get_secret_value())
    hub = Hub(feed=feed, render=partial(messages_of, templates=templates))
    logs = LogFollower(
        logs=parts.platform.build_logs(), templates=templates, hand_out=hub.hand_out, pause=PAUSE_SECONDS
    )
    hub.see(logs.see)
    return Streams(
        tokens=PostgresAccessTokens(database=parts.database),
        members=PostgresMembers(database=parts.database),
        feed=feed,
        hub=hub,
        logs=logs,
        clock=parts.clock,
        strangers=strangers(parts.database, "streams", rate=settings.rates.anonymous, proxies=settings.clients.proxies),
        pool=ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="postgres"),
        lifetime=settings.streams.seconds,
        heartbeat=settings.streams.heartbeat,
    )


stream_events = http_target(create, check_migrations)
