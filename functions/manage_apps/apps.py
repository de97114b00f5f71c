"""Apps: made, listed, shown, deleted.

An app in answers: {"id", "name", "git_url", "branch", "paths": [glob], "url", "domain", "custom_domains": [host],
"state": new|deploying|live|failed, "release": number of the live one or 0, "created_at"}.
"""

from functools import partial
from typing import Any

from pydantic import Field

from functions.common.domain.app import DEFAULT_BRANCH, App, checked_app_name
from functions.common.events.app import AppCreated, AppDeleted
from functions.common.ports.api_tokens import Role
from functions.common.ports.app_register import AppEditor, AppRecord, AppRegister
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.changes import Changes
from functions.common.ports.forge import Repositories
from functions.manage_apps.calls import PAGE, Answer, Body, Call, page_of
from functions.manage_apps.hosts import Hosts
from functions.manage_apps.lookup import found_app
from functions.manage_apps.refusals import Conflict
from functions.manage_apps.routing import Route
from functions.manage_apps.sources import checked_branch, checked_git_url


class NewApp(Body):
    """POST /apps; without git_url the platform makes a repository to push to."""

    name: str
    git_url: str = ""
    branch: str = DEFAULT_BRANCH
    paths: tuple[str, ...] = Field(default=(), max_length=100)


def create_app(
    call: Call,
    *,
    register: AppRegister,
    editor: AppEditor,
    repositories: Repositories,
    changes: Changes,
    audit: AuditLog,
    hosts: Hosts,
) -> Answer:
    """Answer 201 with the app; 409 when the name is taken."""
    new = call.body(NewApp)
    name = checked_app_name(new.name)
    given = checked_git_url(new.git_url) if new.git_url else ""
    app = App(
        id="", name=name, git_url=given, branch=checked_branch(new.branch), domain=hosts.of(name), paths=new.paths
    )
    with changes.begin() as change:
        if not editor.add(app, repository="" if given else name):
            msg = f"an app {name!r} exists already: choose another name, or see `paas apps show {name}`"
            raise Conflict(msg)
        if not given:
            # Inside the transaction: a forge that is down leaves no app without a repository.
            editor.set_source(name, git_url=repositories.create(name), branch=app.branch)
        change.announce(AppCreated(app=name, environment="production", host=app.domain))
        audit.record(actor=call.token.name, action="app.create", target=name)
        record = found_app(register, name)
    return Answer(status=201, body=app_view(record, hosts), queued=change.queued)


def list_apps(call: Call, *, register: AppRegister, hosts: Hosts) -> Answer:
    """Answer {"items": [app], "next"}, by name."""
    limit = call.limit()
    records = register.page(after=call.query.get("after", ""), limit=limit)
    return page_of([app_view(record, hosts) for record in records], limit=limit, key="name")


def show_app(call: Call, *, register: AppRegister, hosts: Hosts) -> Answer:
    """Answer the app."""
    return Answer(body=app_view(found_app(register, call.path["app"]), hosts))


def delete_app(
    call: Call,
    *,
    register: AppRegister,
    editor: AppEditor,
    repositories: Repositories,
    changes: Changes,
    audit: AuditLog,
    hosts: Hosts,
) -> Answer:
    """Answer 202 with {"deleted": name, "event": id}; what runs goes when the event is handled."""
    record = found_app(register, call.path["app"])
    name = record.app.name
    with changes.begin() as change:
        removed = editor.remove(name)
        if record.repository:
            repositories.delete(record.repository)
        all_hosts = (*(hosts.of(label) for label in removed.labels), *removed.custom_domains)
        event = change.announce(
            AppDeleted(app=name, hosts=all_hosts, environments=removed.environments, builds=removed.builds)
        )
        audit.record(actor=call.token.name, action="app.delete", target=name)
    return Answer(status=202, body={"deleted": name, "event": event}, queued=change.queued)


def app_view(record: AppRecord, hosts: Hosts) -> dict[str, Any]:
    """Return an app as answers show it."""
    app = record.app
    return {
        "id": app.id,
        "name": app.name,
        "git_url": app.git_url,
        "branch": app.branch,
        "paths": list(app.paths),
        "url": hosts.url(app.domain),
        "domain": app.domain,
        "custom_domains": list(app.custom_domains),
        "state": record.state,
        "release": record.release,
        "created_at": record.created_at.isoformat(),
    }


def routes(
    *,
    register: AppRegister,
    editor: AppEditor,
    repositories: Repositories,
    changes: Changes,
    audit: AuditLog,
    hosts: Hosts,
) -> tuple[Route, ...]:
    """Return the routes of apps."""
    create = partial(
        create_app,
        register=register,
        editor=editor,
        repositories=repositories,
        changes=changes,
        audit=audit,
        hosts=hosts,
    )
    delete = partial(
        delete_app,
        register=register,
        editor=editor,
        repositories=repositories,
        changes=changes,
        audit=audit,
        hosts=hosts,
    )
    return (
        Route("POST", "/apps", Role.DEPLOYER, create),
        Route("GET", "/apps", Role.VIEWER, partial(list_apps, register=register, hosts=hosts), PAGE),
        Route("GET", "/apps/<app>", Role.VIEWER, partial(show_app, register=register, hosts=hosts)),
        Route("DELETE", "/apps/<app>", Role.DEPLOYER, delete),
    )
