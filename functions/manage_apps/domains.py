"""Custom domains of an app."""

from functools import partial

from functions.common.errors import NotFound
from functions.common.events.app import DomainAdded, DomainRemoved
from functions.common.ports.apps import AppRegister, AuditLog, Domains, Role
from functions.common.ports.events import Changes
from functions.manage_apps.apps import Hosts, found_app
from functions.manage_apps.request import Answer, Call, Conflict
from functions.manage_apps.routing import Route

MOST = 15  # an HTTPRoute takes 16 hosts, and one is the app's own


def list_domains(call: Call, *, register: AppRegister) -> Answer:
    """Answer {"items": [{"host"}], "next": null}; the app's own host first."""
    app = found_app(register, call.path["app"]).app
    return Answer(body={"items": [{"host": host} for host in (app.domain, *app.custom_domains)], "next": None})


def add_domain(
    call: Call, *, register: AppRegister, domains: Domains, changes: Changes, audit: AuditLog, hosts: Hosts
) -> Answer:
    """Answer 201 with {"host", "url"}, 200 when the app has the host already, 409 when another app has it."""
    app = found_app(register, call.path["app"]).app
    host = hosts.checked_custom(call.path["host"])
    answer = {"host": host, "url": hosts.url(host)}
    if host in app.custom_domains:
        return Answer(body=answer)
    if len(app.custom_domains) >= MOST:
        msg = f"{app.name} has {MOST} domains of its own, and its route takes no more: remove one first"
        raise Conflict(msg)
    with changes.begin() as change:
        if domains.add(app.name, host) != app.name:
            msg = f"{host} belongs to another app: remove it there first"
            raise Conflict(msg)
        change.announce(DomainAdded(app=app.name, environment="production", host=host), discriminator=host)
        audit.record(actor=call.token.name, action="domain.add", target=app.name, detail=host)
    return Answer(status=201, body=answer, queued=change.queued)


def remove_domain(call: Call, *, register: AppRegister, domains: Domains, changes: Changes, audit: AuditLog) -> Answer:
    """Answer {"removed": host}."""
    app, host = found_app(register, call.path["app"]).app, call.path["host"].rstrip(".").lower()
    with changes.begin() as change:
        if not domains.remove(app.name, host):
            msg = f"{app.name} has no domain {host!r}: see `paas domains list --app {app.name}`"
            raise NotFound(msg)
        change.announce(DomainRemoved(app=app.name, environment="production", host=host), discriminator=host)
        audit.record(actor=call.token.name, action="domain.remove", target=app.name, detail=host)
    return Answer(body={"removed": host}, queued=change.queued)


def routes(
    *, register: AppRegister, domains: Domains, changes: Changes, audit: AuditLog, hosts: Hosts
) -> tuple[Route, ...]:
    """Return the routes of custom domains."""
    add = partial(add_domain, register=register, domains=domains, changes=changes, audit=audit, hosts=hosts)
    remove = partial(remove_domain, register=register, domains=domains, changes=changes, audit=audit)
    return (
        Route("GET", "/apps/<app>/domains", Role.VIEWER, partial(list_domains, register=register)),
        Route("PUT", "/apps/<app>/domains/<host>", Role.DEPLOYER, add),
        Route("DELETE", "/apps/<app>/domains/<host>", Role.DEPLOYER, remove),
    )
