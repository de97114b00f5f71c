"""Releases, going back to one, and the environments that they run in.

A release in answers: the fields of ports.history.ReleaseRecord; `processes` are the names of its process types.
"""

from functools import partial

from pydantic import Field

from functions.common.domain.environment import PRODUCTION, EnvironmentState
from functions.common.domain.release import ReleaseState
from functions.common.errors import NotFound
from functions.common.events.release import RollbackRequested
from functions.common.ports.apps import AppRegister, AuditLog, Role
from functions.common.ports.events import Changes
from functions.common.ports.releases import EnvironmentRecord, ReleaseHistory, ReleaseRecord
from functions.manage_apps.apps import Hosts, found_app
from functions.manage_apps.request import PAGE, Answer, Body, Call, Conflict, page_of
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of

_NEVER_LIVE = frozenset({ReleaseState.FAILED, ReleaseState.SUPERSEDED, ReleaseState.STARTED})


class Rollback(Body):
    """POST /apps/<app>/rollback; without `to` the release that was live before the one that is."""

    to: int = Field(default=0, le=2**31 - 1)
    environment: str = PRODUCTION


def list_releases(call: Call, *, register: AppRegister, history: ReleaseHistory) -> Answer:
    """Answer {"items": [release], "next"}, newest first; ?environment= is production unless given."""
    app, limit = found_app(register, call.path["app"]).app.name, call.limit()
    environment = _environment(history, app, call.query.get("environment", PRODUCTION))
    records = history.releases(app, environment.name, before=call.number("after"), limit=limit)
    return page_of([view_of(record) for record in records], limit=limit, key="number")


def rollback(
    call: Call, *, register: AppRegister, history: ReleaseHistory, changes: Changes, audit: AuditLog
) -> Answer:
    """Answer 202 with {"event": id, "app", "environment", "to": number, "digest"}; 409 when that one cannot run."""
    wanted, app = call.body(Rollback), found_app(register, call.path["app"]).app.name
    environment = _environment(history, app, wanted.environment)
    target = _target(history, environment, wanted.to)
    with changes.begin() as change:
        event = RollbackRequested(app=app, environment=environment.name, to=target.number, actor=call.token.name)
        number = change.announce(event)
        audit.record(actor=call.token.name, action="rollback", target=environment.label, detail=f"to {target.number}")
    body = {"event": number, "app": app, "environment": environment.name, "to": target.number, "digest": target.digest}
    return Answer(status=202, body=body, queued=change.queued)


def list_environments(call: Call, *, register: AppRegister, history: ReleaseHistory, hosts: Hosts) -> Answer:
    """Answer {"items": [environment with its url], "next": null}, production first, closed ones last."""
    app = found_app(register, call.path["app"]).app.name
    items = [{**view_of(one), "url": hosts.url(hosts.of(one.label))} for one in history.environments(app)]
    return Answer(body={"items": items, "next": None})


def _environment(history: ReleaseHistory, app: str, name: str) -> EnvironmentRecord:
    known = history.environments(app)
    # Names come first: the preview of a branch that is called like its app has the label of production for its name.
    named = [one for one in known if one.name == name] or [one for one in known if one.label == name]
    if not named:
        msg = f"{app} has no environment {name!r}: see `paas previews --app {app}`"
        raise NotFound(msg)
    return named[0]


def _target(history: ReleaseHistory, environment: EnvironmentRecord, number: int) -> ReleaseRecord:
    where = f"{environment.app}/{environment.name}"
    if environment.state == EnvironmentState.CLOSED:
        msg = f"{where} is closed: push its branch again to open it"
        raise Conflict(msg)
    target = history.rollback_target(environment.app, environment.name, number)
    if target is None:
        wanted = f"no release {number}" if number else "no release to go back to"
        msg = f"{where} has {wanted}: see `paas releases --app {environment.app}`"
        raise NotFound(msg)
    if target.state in _NEVER_LIVE:
        msg = f"release {number} of {where} is {target.state}, it was never live: choose one that was"
        raise Conflict(msg)
    return target


def routes(
    *, register: AppRegister, history: ReleaseHistory, changes: Changes, audit: AuditLog, hosts: Hosts
) -> tuple[Route, ...]:
    """Return the routes of releases and environments."""
    listed = partial(list_releases, register=register, history=history)
    back = partial(rollback, register=register, history=history, changes=changes, audit=audit)
    environments = partial(list_environments, register=register, history=history, hosts=hosts)
    return (
        Route("GET", "/apps/<app>/releases", Role.VIEWER, listed, PAGE | {"environment"}),
        Route("POST", "/apps/<app>/rollback", Role.DEPLOYER, back),
        Route("GET", "/apps/<app>/environments", Role.VIEWER, environments),
    )
