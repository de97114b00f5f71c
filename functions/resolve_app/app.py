"""Composition root of resolve-app."""

from functools import partial

from functions.common.adapters.postgres.apps import PostgresAppDirectory, PostgresAppIdentities
from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.environments import PostgresEnvironments
from functions.common.adapters.postgres.pushes import PostgresPushHistory, PostgresPushLedger
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushReceived
from functions.common.platform.core import Core, check_migrations, core
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.resolve_app.close_previews import PreviewCloser
from functions.resolve_app.follow import RenameFollower
from functions.resolve_app.handler import Admission, handle_push


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    domain, database, sink, heads = parts.settings.apps.domain, parts.database, parts.sink, parts.platform.forge_heads()
    apps, environments = PostgresAppDirectory(database=database), PostgresEnvironments(database=database)
    pushes, history = PostgresPushLedger(database=database), PostgresPushHistory(database=database)
    previews = parts.settings.rates.previews
    admission = Admission(environments=environments, pushes=pushes, sink=sink, default_domain=domain, previews=previews)
    closer = PreviewCloser(
        apps=apps, environments=environments, pushes=pushes, heads=heads, sink=sink, default_domain=domain
    )
    follow = RenameFollower(
        apps=PostgresAppIdentities(database=database),
        names=parts.platform.repository_names(),
        audit=PostgresAuditLog(database=database),
    )
    decide = partial(
        handle_push, apps=apps, history=history, heads=heads, admission=admission, sink=sink, follow=follow
    )
    return subscriber(
        "resolve-app",
        on(PushReceived, decide),
        on(BranchDeleted, closer.branch_deleted),
        on(PullRequestClosed, closer.pull_request_closed),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


resolve_app = http_target(create, check_migrations)
