"""Apps: create, list, show, delete, and change the git source."""

import logging
import re
from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictBool

from functions.common.domain.addresses import Addresses
from functions.common.domain.app import DEFAULT_BRANCH, App, checked_app_name, checked_root
from functions.common.domain.environment import Environment
from functions.common.domain.git_url import checked_branch, checked_git_url, clone_urls, is_ssh, repository_key
from functions.common.errors import Rejected, SlipwayError
from functions.common.events.app import AppCreated, AppDeleted, PreviewClosed
from functions.common.ports.accounts import AppRole
from functions.common.ports.apps import AppDirectory, AppEditor, AppRecord, AppRegister, AppWebhooks
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.forge import ForgeUsernames, Repositories, SourceHosts
from functions.manage_apps.access import found_app
from functions.manage_apps.errors import Conflict, Forbidden
from functions.manage_apps.models import Body, ChangeView, Moment, NamePage, NoBody, NoQuery, PageView, next_page
from functions.manage_apps.operation import Answer, Call, operation
from functions.manage_apps.webhooks import WebhookUrls, new_secret

_log = logging.getLogger("slipway")

# Hosts of apps.

_HOST = re.compile(r"^(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts(Addresses):
    """The hosts and URLs of apps, custom hosts too. `platform` are those of Slipway itself and of its forge."""

    platform: frozenset[str] = frozenset()

    def check_name(self, name: str) -> None:
        """Raise Rejected when the app would answer at a host of the platform, to its visitors' credentials."""
        if self.host(name) in self.platform:
            msg = f"app name {name!r} is not usable: {self.host(name)} is the platform's own host"
            raise Rejected(msg)

    def checked_custom(self, host: str) -> str:
        """Return a custom host in lower case. Raises Rejected when it is not a host or is below the default domain."""
        name = host.strip().rstrip(".").lower()
        if not _HOST.match(name):
            msg = f"{host!r} is not a host name: give one like www.example.org (international names in their xn-- form)"
            raise Rejected(msg)
        if name == self.domain or name.endswith("." + self.domain):
            msg = f"{name} is below {self.domain}, whose names the platform assigns: use a host of your own domain"
            raise Rejected(msg)
        if name in self.platform:
            msg = f"{name} is the platform's own host: use a host of your own domain"
            raise Rejected(msg)
        return name


# What requests carry and answers show.


class NewApp(Body):
    """Without `git_url` the platform creates a repository to push to. `paths` are globs: other pushes are ignored.

    `root` is the app's folder in the repository, empty for the top.
    """

    name: str
    git_url: str = ""
    branch: str = DEFAULT_BRANCH
    paths: tuple[str, ...] = Field(default=(), max_length=100)
    root: str = ""


class GitSource(Body):
    """What is left out or empty stays as it is. `root` is the app's folder in the repository, `.` for the top.

    `push_follow` is whether `git push` prints the build and the release.
    """

    url: str = ""
    branch: str = ""
    root: str = ""
    push_follow: StrictBool = True


class AppView(ChangeView):
    """An app. `state` is new, deploying, live or failed; `release` is the live one's number, 0 when there is none.

    `push_follow` is whether `git push` prints the build and the release, where the git server is Slipway's.
    """

    id: str
    name: str
    git_url: str
    git_clone_http: str
    git_clone_ssh: str
    branch: str
    paths: tuple[str, ...]
    root: str
    url: str
    domain: str
    custom_domains: tuple[str, ...]
    state: str
    release: int
    push_follow: bool
    created_at: Moment


class NewAppView(AppView):
    """A new app. The secret of its webhook is shown here once, for a repository that was given by its URL.

    It is empty where Slipway makes the webhook, and where other apps of the repository have the forge's secret.
    """

    webhook_url: str
    webhook_secret: str


class AppPage(PageView):
    """Apps, by name."""

    items: tuple[AppView, ...]


class DeletedApp(ChangeView):
    """`event` is the id of app.deleted; what runs is removed when it is handled."""

    deleted: str
    event: str


def app_view(record: AppRecord, hosts: Hosts) -> AppView:
    """Return an app as answers show it."""
    app = record.app
    return AppView(
        id=app.id,
        name=app.name,
        git_url=app.git_url,
        git_clone_http=record.clone.http,
        git_clone_ssh=record.clone.ssh,
        branch=app.branch,
        paths=app.paths,
        root=app.root,
        url=hosts.url(app.domain),
        domain=app.domain,
        custom_domains=app.custom_domains,
        state=record.state,
        release=record.release,
        push_follow=record.push_follow,
        created_at=record.created_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppHandlers:
    """The handlers of apps; `replicas` are the web processes of an app that is not scaled."""

    register: AppRegister
    directory: AppDirectory
    editor: AppEditor
    repositories: Repositories
    usernames: ForgeUsernames
    sources: SourceHosts
    webhooks: AppWebhooks
    webhook_urls: WebhookUrls
    changes: Changes
    audit: AuditLog
    hosts: Hosts
    replicas: int

    @operation(NoQuery, NewApp, NewAppView, statuses=(201, 202), refusals=(409,))
    def create_app(self, call: Call[NoQuery, NewApp]) -> Answer[NewAppView]:
        """Create an app."""
        new = call.body
        name = checked_app_name(new.name)
        self.hosts.check_name(name)
        given = self._checked_url(new.git_url)
        branch, root = checked_branch(new.branch), checked_root(new.root)
        if call.caller.app:
            msg = f"the token {call.caller.name!r} is only for the app {call.caller.app}: it creates no others"
            raise Forbidden(msg)
        given = self._checked_source(call, given)
        domain = self.hosts.host(name)
        app = App(id="", name=name, git_url=given, branch=branch, domain=domain, paths=new.paths, root=root)
        with self.changes.begin() as change:
            if not self.editor.add(
                app, repository="" if given else name, owner=call.caller.user, replicas=self.replicas
            ):
                msg = f"the name {name!r} is taken: choose another one"
                raise Conflict(msg)
            secret = self._first_secret(name) if given else ""
            if not given:
                # Inside the transaction: when the forge is down, no app without a repository is left.
                self.editor.set_source(name, git_url=self.create_repository(call, name), branch=app.branch)
            record_clone_urls(self.editor, self.repositories, name, given or self.repositories.clone_urls(name).http)
            change.announce(AppCreated(app=name, environment="production", host=app.domain))
            self.audit.record(actor=call.actor, action="app.create", target=name)
            record = found_app(self.register, name)
        return Answer(status=201, body=self._new_view(record, secret, given), queued=change.queued)

    @operation(NamePage, NoBody, AppPage)
    def list_apps(self, call: Call[NamePage, NoBody]) -> Answer[AppPage]:
        """List apps, by name."""
        limit = call.query.limit
        records = self.register.page(after=call.query.after, limit=limit, visible=call.access.visibility)
        items = tuple(app_view(record, self.hosts) for record in records)
        return Answer(body=AppPage(items=items, next=next_page(items, limit, lambda app: app.name)))

    @operation(NoQuery, NoBody, AppView)
    def show_app(self, call: Call[NoQuery, NoBody]) -> Answer[AppView]:
        """Show an app."""
        return Answer(body=app_view(call.app, self.hosts))

    @operation(NoQuery, NoBody, DeletedApp, statuses=(202,))
    def delete_app(self, call: Call[NoQuery, NoBody]) -> Answer[DeletedApp]:
        """Delete an app, its environments, releases and config, and its repository if the platform created it."""
        name = call.app.app.name
        with self.changes.begin() as change:
            removed = self.editor.remove(name)
            if call.app.repository:
                self.repositories.delete(call.app.repository)
            hosts = (*(self.hosts.host(label) for label in removed.labels), *removed.custom_domains)
            event = change.announce(
                AppDeleted(app=name, hosts=hosts, environments=removed.environments, builds=removed.builds)
            )
            self.audit.record(actor=call.actor, action="app.delete", target=name)
        return Answer(status=202, body=DeletedApp(deleted=name, event=event), queued=change.queued)

    @operation(NoQuery, GitSource, AppView, statuses=(200, 202), refusals=(409,))
    def set_git_source(self, call: Call[NoQuery, GitSource]) -> Answer[AppView]:
        """Set the repository or the branch that feeds production, or the app's folder, from the next push on.

        The preview of that branch is closed.
        """
        source, name = call.body, call.app.app.name
        url = self._checked_url(source.url)
        branch = checked_branch(source.branch) if source.branch else ""
        root = checked_root(source.root) if source.root else None
        url = self._checked_source(call, url)
        with self.changes.begin() as change:
            for preview in self.editor.set_source(name, git_url=url, branch=branch, root=root):
                change.announce(self._closed(preview))
            if "push_follow" in source.model_fields_set:
                self.editor.set_push_follow(name, follow=source.push_follow)
            if url:
                record_clone_urls(self.editor, self.repositories, name, url)
                self._renew_secret(call.app.app, url)
            record = found_app(self.register, name)
            detail = f"{record.app.git_url} {record.app.branch} {record.app.root}".rstrip()
            self.audit.record(actor=call.actor, action="app.git", target=name, detail=detail)
        return Answer(body=app_view(record, self.hosts), queued=change.queued)

    def _closed(self, preview: Environment) -> PreviewClosed:
        reason = f"the branch {preview.branch} feeds production now"
        where = {"app": preview.app, "environment": preview.name, "branch": preview.branch}
        return PreviewClosed(**where, host=self.hosts.host(preview.label), reason=reason)

    def create_repository(self, call: Call[Any, Any], name: str) -> str:
        """Create the repository of an app and return its URL.

        Raises Conflict when the app of another user has its URL already: that would be deployed from its pushes.
        """
        secret = new_secret()
        url = self.repositories.create(name, webhook_secret=secret)
        self.webhooks.put(name, secret)
        self._admit(call, name)
        clone = self.repositories.clone_urls(name)
        keys = {repository_key(one) for one in (url, clone.http, clone.ssh) if one}
        if not all(self._may_deploy(call, app) for app in self.directory.by_repository(*keys) if app.name != name):
            msg = f"name: an app of another user is deployed from the repository {name!r} already: choose another name"
            raise Conflict(msg)
        return url

    def _admit(self, call: Call[Any, Any], name: str) -> None:
        """Let the caller push at once; reconcile gives the role to users that the forge does not know yet."""
        username = self.usernames.intend(call.caller.user, name) if call.caller.user else ""
        try:
            if username:
                self.repositories.admit(name, username)
        except SlipwayError as error:  # reconcile tries again, and records why it is refused
            _log.warning("%s cannot push to the repository %s yet: %s", username, name, error)

    def _first_secret(self, name: str) -> str:
        """Give an app the secret of its webhook and return it; nothing when its repository has the forge's."""
        secret = new_secret()
        return secret if self.webhooks.join(name, secret) else ""

    def _renew_secret(self, app: App, url: str) -> None:
        """Give an app that moves to another repository another secret: the old one is known where it was."""
        if not app.git_url or repository_key(app.git_url) != repository_key(url):
            self._first_secret(app.name)

    def _new_view(self, record: AppRecord, secret: str, given: str) -> NewAppView:
        url = self.webhook_urls.of(given) if given else ""
        return NewAppView(**dict(app_view(record, self.hosts)), webhook_url=url, webhook_secret=secret)

    def _may_deploy(self, call: Call[Any, Any], app: App) -> bool:
        membership = call.access.membership(app.name)
        return membership is not None and membership.role.covers(AppRole.DEPLOYER)

    def _checked_url(self, url: str) -> str:
        """Return a URL that may be fetched from. Raises Rejected."""
        if not url:
            return ""
        checked = checked_git_url(url)
        self.sources.check(checked)
        return checked.text

    def _checked_source(self, call: Call[Any, Any], url: str) -> str:
        """Return the URL; for a repository of the platform given by its SSH URL the one that the platform reads.

        Raises Conflict when the repository is that of an app, or feeds one, that the caller may not deploy. One that
        belongs to no app is for administrators alone.
        """
        if not url:
            return ""
        created = self.repositories.name_of(url)
        if created and is_ssh(url):
            url = self.repositories.clone_urls(created).http
        owning = self.directory.owning(created) if created else None
        may_use = not created or owning is not None or (call.caller.sees_all and not call.caller.app)
        others = (*self.directory.by_repository(repository_key(url)), *filter(None, [owning]))
        if not (may_use and all(self._may_deploy(call, app) for app in others)):
            msg = "git_url: the repository is that of another user's app: ask its owner to add you to that app"
            raise Conflict(msg)
        return url


def record_clone_urls(editor: AppEditor, repositories: Repositories, name: str, git_url: str) -> None:
    """Record where the repository at this URL can be cloned from."""
    created = repositories.name_of(git_url) if git_url else ""
    editor.set_clone_urls(name, repositories.clone_urls(created) if created else clone_urls(git_url))
