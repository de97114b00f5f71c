"""Apps: made, listed, changed, deleted; and where their source is."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from functions.common.domain.app import DEFAULT_BRANCH, App, checked_app_name
from functions.common.domain.git_url import repository_key
from functions.common.errors import NotFound, Rejected
from functions.common.events.app import AppCreated, AppDeleted, PreviewClosed
from functions.common.ports.apps import AppEditor, AppRecord, AppRegister, AuditLog, Role
from functions.common.ports.events import Changes
from functions.common.ports.forge import Repositories
from functions.manage_apps.request import PAGE, Answer, Body, Call, Conflict, page_of
from functions.manage_apps.routing import Route

# Where apps answer.

_HOST = re.compile(r"^(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """`domain` is the default domain, `port` that of the ingress, empty for HTTPS's own."""

    domain: str
    port: str = ""

    def of(self, label: str) -> str:
        """Return the host of an environment's label."""
        return f"{label}.{self.domain}"

    def url(self, host: str) -> str:
        """Return the host's URL."""
        return f"https://{host}{f':{self.port}' if self.port else ''}/"

    def checked_custom(self, host: str) -> str:
        """Return the host in lower case. Raises Rejected when it is no host, or one below the default domain."""
        name = host.strip().rstrip(".").lower()
        if not _HOST.match(name):
            msg = f"{host!r} is no host name: give one like www.example.org (international names in their xn-- form)"
            raise Rejected(msg)
        if name == self.domain or name.endswith("." + self.domain):
            msg = (
                f"{name} lies below {self.domain}, whose names are given out by the platform: choose a host of your own"
            )
            raise Rejected(msg)
        return name


# Finding what a path names, or saying that it is not there.


def found_app(register: AppRegister, reference: str) -> AppRecord:
    """Return the app with this name or id. Raises NotFound."""
    record = register.find(reference)
    if record is None:
        msg = f"there is no app {reference!r}: see `paas apps list`"
        raise NotFound(msg)
    return record


# Checks of where an app's code comes from.

_MAX_URL = 2000
# What git itself refuses in a branch's name, as far as it could do harm here.
_BAD_BRANCH = re.compile(r"^\Z|^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\Z|\.\Z|\.lock\Z")
_MAX_BRANCH = 250


def checked_git_url(url: str) -> str:
    """Return the URL. Raises Rejected when it names no repository, or holds a password, without repeating it."""
    text = url.strip()
    if len(text) > _MAX_URL or any(ord(character) < ord("!") for character in text):
        msg = "git_url: give a URL of at most 2000 characters, without spaces"
        raise Rejected(msg)
    repository_key(text)
    scheme = urlsplit(text).scheme if "://" in text else "ssh"
    if scheme not in {"http", "https", "ssh", "git", "git+ssh", "git+https", "git+http"}:
        msg = f"git_url: the scheme {scheme!r} is not supported: give an https or ssh URL"
        raise Rejected(msg)
    if _holds_a_password(text):
        msg = "git_url: give it without a user name and password: the platform reads repositories with its own access"
        raise Rejected(msg)
    return text


def _holds_a_password(url: str) -> bool:
    if "://" not in url:  # ssh as scp has it: USER@HOST:PATH
        user, at, _ = url.partition("@")
        return bool(at) and ":" in user
    parts = urlsplit(url)
    return parts.password is not None or (parts.scheme.endswith(("http", "https")) and "@" in parts.netloc)


def checked_branch(branch: str) -> str:
    """Return the branch. Raises Rejected when git would not accept the name."""
    name = branch.removeprefix("refs/heads/")
    if len(name) > _MAX_BRANCH or _BAD_BRANCH.search(name):
        msg = f"branch {branch!r} is not a branch name"
        raise Rejected(msg)
    return name


# Apps: made, listed, shown, deleted.
#
# An app in answers: {"id", "name", "git_url", "branch", "paths": [glob], "url", "domain", "custom_domains": [host],
# "state": new|deploying|live|failed, "release": number of the live one or 0, "created_at"}.


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


# Where an app's code comes from: PUT /apps/<app>/git.


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


def git_routes(
    *, register: AppRegister, editor: AppEditor, changes: Changes, audit: AuditLog, hosts: Hosts
) -> tuple[Route, ...]:
    """Return the route of an app's source."""
    handle = partial(set_source, register=register, editor=editor, changes=changes, audit=audit, hosts=hosts)
    return (Route("PUT", "/apps/<app>/git", Role.DEPLOYER, handle),)
