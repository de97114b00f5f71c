"""Where an app's code comes from: PUT /apps/<app>/git."""

from functools import partial

from functions.common.events.app import PreviewClosed
from functions.common.ports.api_tokens import Role
from functions.common.ports.app_register import AppEditor, AppRegister
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.changes import Changes
from functions.manage_apps.apps import app_view
from functions.manage_apps.calls import Answer, Body, Call
from functions.manage_apps.hosts import Hosts
from functions.manage_apps.lookup import found_app
from functions.manage_apps.routing import Route
from functions.manage_apps.sources import checked_branch, checked_git_url


class Source(Body):
    """What is left out stays as it is."""

    url: str = ""
    branch: str = ""


def set_source(
    call: Call, *, register: AppRegister, editor: AppEditor, changes: Changes, audit: AuditLog, hosts: Hosts
) -> Answer:
    """Answer the app. From the next push on the branch feeds production; its preview is closed."""
    source, app = call.body(Source), found_app(register, call.path["app"]).app
    url = checked_git_url(source.url) if source.url else ""
    branch = checked_branch(source.branch) if source.branch else ""
    with changes.begin() as change:
        for preview in editor.set_source(app.name, git_url=url, branch=branch):
            change.announce(
                PreviewClosed(
                    app=app.name,
                    environment=preview.name,
                    branch=preview.branch,
                    host=hosts.of(preview.label),
                    reason=f"the branch {preview.branch} feeds production now",
                )
            )
        record = found_app(register, app.name)
        detail = f"{record.app.git_url} {record.app.branch}"
        audit.record(actor=call.token.name, action="app.git", target=app.name, detail=detail)
    return Answer(body=app_view(record, hosts), queued=change.queued)


def routes(
    *, register: AppRegister, editor: AppEditor, changes: Changes, audit: AuditLog, hosts: Hosts
) -> tuple[Route, ...]:
    """Return the route of an app's source."""
    handle = partial(set_source, register=register, editor=editor, changes=changes, audit=audit, hosts=hosts)
    return (Route("PUT", "/apps/<app>/git", Role.DEPLOYER, handle),)
