"""Composition root of manage-apps."""

from pathlib import Path

from functions.common.adapters.postgres.access import PostgresApiTokens, PostgresAuditLog
from functions.common.adapters.postgres.apps import (
    PostgresAppEditor,
    PostgresAppRegister,
    PostgresConfigVars,
    PostgresDomains,
)
from functions.common.adapters.postgres.builds import PostgresBuildHistory
from functions.common.adapters.postgres.events import PostgresChanges, PostgresEventArchive, PostgresParkedEvents
from functions.common.adapters.postgres.pushes import PostgresPushRecords
from functions.common.adapters.postgres.releases import PostgresReleaseHistory
from functions.common.adapters.trigger_files import TriggerFiles
from functions.common.ports.forge import Repositories
from functions.common.runtime.http import Endpoint, http_target, limit_body
from functions.common.wiring import platform
from functions.common.wiring.core import Core, core
from functions.manage_apps import apps, config, domains, events, logs, pushes, releases, tokens
from functions.manage_apps.api import Api
from functions.manage_apps.apps import Hosts
from functions.manage_apps.routing import Route

MAX_BODY = 1024 * 1024
MANIFESTS = Path(__file__).parents[2] / "knative" / "functions"


def create() -> Endpoint:
    """Return the API as this process is configured."""
    parts = core()
    return compose(parts, repositories=platform.repositories(parts))


def compose(parts: Core, *, repositories: Repositories) -> Endpoint:
    """Return the API on PostgreSQL, the broker and the platform that the settings name."""
    routes = (*_changing(parts, repositories), *_reading(parts))
    return limit_body(Api(routes, tokens=PostgresApiTokens(database=parts.database)), MAX_BODY)


def _changing(parts: Core, made: Repositories) -> tuple[Route, ...]:
    database, audit = parts.database, PostgresAuditLog(database=parts.database)
    changes = PostgresChanges(database=database, log=parts.log, sink=parts.sink, clock=parts.clock)
    register, editor = PostgresAppRegister(database=database), PostgresAppEditor(database=database)
    history, hosts = PostgresReleaseHistory(database=database), _hosts(parts)
    keys, own = PostgresConfigVars(database=database), PostgresDomains(database=database)
    parked = PostgresParkedEvents(database=database)
    return (
        *apps.routes(register=register, editor=editor, repositories=made, changes=changes, audit=audit, hosts=hosts),
        *apps.git_routes(register=register, editor=editor, changes=changes, audit=audit, hosts=hosts),
        *domains.routes(register=register, domains=own, changes=changes, audit=audit, hosts=hosts),
        *config.routes(register=register, config=keys, changes=changes, audit=audit),
        *releases.routes(register=register, history=history, changes=changes, audit=audit, hosts=hosts),
        *events.dead_letter_routes(parked=parked, sink=parts.sink, changes=changes, audit=audit),
        *tokens.routes(tokens=PostgresApiTokens(database=database), changes=changes, audit=audit),
    )


def _reading(parts: Core) -> tuple[Route, ...]:
    database, register = parts.database, PostgresAppRegister(database=parts.database)
    history = PostgresBuildHistory(database=database)
    return (
        *logs.build_routes(register=register, builds=history),
        *logs.routes(
            register=register,
            builds=history,
            build_logs=platform.build_logs(parts),
            runtime_logs=platform.runtime_logs(parts),
        ),
        *pushes.routes(records=PostgresPushRecords(database=database), hosts=_hosts(parts)),
        *events.routes(
            log=parts.log,
            archive=PostgresEventArchive(database=database),
            sink=parts.sink,
            subscriptions=TriggerFiles(folder=MANIFESTS),
            audit=PostgresAuditLog(database=database),
        ),
    )


def _hosts(parts: Core) -> Hosts:
    return Hosts(domain=parts.settings.default_domain, port=parts.settings.optional("SLIPWAY_APPS_PORT"))


manage_apps = http_target(create)
