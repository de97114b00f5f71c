"""Apps, and the secrets of their webhooks."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.app import EVERYTHING, App, Visibility
from functions.common.domain.build import BuildState
from functions.common.domain.environment import Environment, EnvironmentState, production
from functions.common.domain.git_url import CloneUrls, clone_urls, full_name_of, repository_key
from functions.common.errors import NotFound, Rejected, Unavailable
from functions.common.ports.apps import AppRecord, Cipher, KnownSource, RemovedApp
from functions.common.ports.deliveries import WebhookSecret

_log = logging.getLogger("slipway")

_SELECT_APPS = """
select id::text, name, git_url, branch, domain, paths, root,
    array(select host from custom_domains where app = projects.name order by host) as custom_domains
from projects
"""
_OWNING = _SELECT_APPS + "where git_repo_name = :repository and git_repo_name <> ''"
_BY_REPOSITORY = _SELECT_APPS + "where git_key = any(cast(:keys as text[])) and git_key <> '' order by name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppDirectory:
    """AppDirectory over the tables projects and custom_domains."""

    database: Postgres

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps of a repository; see AppDirectory."""
        return tuple(_app(row) for row in self.database.rows(_BY_REPOSITORY, keys=list(keys)))

    def owning(self, repository: str) -> App | None:
        """Return the app of a repository that Slipway created; see AppDirectory."""
        rows = self.database.rows(_OWNING, repository=repository)
        return _app(rows[0]) if rows else None


def _app(row: dict[str, Any]) -> App:
    return App(**row | {"paths": tuple(row["paths"]), "custom_domains": tuple(row["custom_domains"])})


_SELECT_RECORDS = """
select p.id::text as id, p.name, p.git_url, p.branch, p.paths, p.root, p.git_repo_name, p.git_clone_ssh,
    p.git_clone_http, p.domain, p.created_at, p.deployment_image, p.deployment_status, p.deployment_replicas,
    p.push_follow,
    array(select host from custom_domains where app = p.name order by host) as hosts,
    coalesce((select number from releases where app = p.name and environment = 'production' and state = 'live'
              order by number desc limit 1), 0) as release,
    coalesce((select state from pushes where app = p.name and environment = 'production' and state <> 'ignored'
              order by sequence desc limit 1), '') as pushed,
    exists (select from releases where app = p.name and environment = 'production' and state = 'started') as started
from projects as p
"""
_FIND = _SELECT_RECORDS + "where p.name = :name or p.id = :id::uuid order by p.name = :name desc limit 1"
_VISIBLE = """
where p.name > :after and (:only::text = '' or p.name = :only::text) and (:user::text = '' or exists
    (select 1 from app_members as m where m.app = p.name and m.user_id = nullif(:user::text, '')::uuid))
order by p.name limit :limit
"""
_PAGE = _SELECT_RECORDS + _VISIBLE
_MOVING = ("received", "building", "releasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppRegister:
    """AppRegister over the tables projects, releases and pushes."""

    database: Postgres

    def find(self, reference: str) -> AppRecord | None:
        """Return the app with this name or id; see AppRegister."""
        rows = self.database.rows(_FIND, name=reference, id=_uuid(reference))
        return _record(rows[0]) if rows else None

    def page(self, *, after: str, limit: int, visible: Visibility = EVERYTHING) -> tuple[AppRecord, ...]:
        """Return a page of apps; see AppRegister."""
        rows = self.database.rows(_PAGE, after=after, limit=limit, user=visible.user, only=visible.app)
        return tuple(_record(row) for row in rows)


def _record(row: dict[str, Any]) -> AppRecord:
    app = App(
        id=row["id"],
        name=row["name"],
        git_url=row["git_url"],
        branch=row["branch"],
        domain=row["domain"],
        custom_domains=tuple(row["hosts"]),
        paths=tuple(row["paths"]),
        root=row["root"],
    )
    return AppRecord(
        app=app,
        repository=row["git_repo_name"],
        state=_state(row["pushed"], row["release"]),
        release=row["release"],
        created_at=row["created_at"],
        clone=CloneUrls(http=row["git_clone_http"], ssh=row["git_clone_ssh"]),
        image=row["deployment_image"] if row["release"] else "",
        deployment=_deployment(row),
        replicas=row["deployment_replicas"],
        push_follow=row["push_follow"],
    )


def _state(pushed: str, release: int) -> str:
    if pushed in _MOVING:
        return "deploying"
    if release:
        return "live"
    return {"failed": "failed", "live": "undeployed"}.get(pushed, "new")


def _deployment(row: dict[str, Any]) -> str:
    if row["pushed"] in _MOVING or row["started"]:
        return "pending"
    if row["release"]:
        return "running"
    return "failed" if row["deployment_status"] == "failed" else "none"


def _uuid(reference: str) -> str | None:
    try:
        return str(UUID(reference))
    except ValueError:
        return None


_ADD_APP = """
insert into projects (name, git_url, git_key, branch, paths, root, git_repo_name, git_clone_http, domain,
    deployment_replicas)
values (:name, :git_url, :git_key, :branch, :paths::text[], :root, :repository, :git_url, :domain, :replicas)
on conflict (name) do nothing returning id::text
"""
_ADD_PRODUCTION = """
insert into environments (app, name, branch, label) values (:app, :name, :branch, :label)
"""
_ADD_OWNER = "insert into app_members (app, user_id, role) values (:app, :user::uuid, 'owner')"
_SET_SOURCE = """
update projects set git_url = coalesce(nullif(:git_url, ''), git_url),
    forge_id = case when :git_key in ('', git_key) then forge_id else '' end,
    git_key = coalesce(nullif(:git_key, ''), git_key), branch = coalesce(nullif(:branch, ''), branch),
    root = coalesce(:root, root)
where name = :name returning branch
"""
_SET_CLONE_URLS = """
update projects set git_clone_http = :http, git_clone_ssh = :ssh where name = :name returning id
"""
_SET_PUSH_FOLLOW = "update projects set push_follow = :follow where name = :name returning id"
_SET_REPOSITORY = """
update projects set git_url = :git_url, git_key = :git_key, git_repo_name = :repository, forge_id = ''
where name = :name returning id
"""
_SET_PRODUCTION = "update environments set branch = :branch where app = :name and name = 'production'"
_CLOSE = """
update environments set state = 'closed', closed_at = now()
where app = :name and branch = :branch and name <> 'production' and state = 'open'
returning name, label
"""
_HOSTS = "select host from custom_domains where app = :name order by host"
_ENVIRONMENTS = "select name, label from environments where app = :name order by name"
_LOCK_APP = "select id from projects where name = :name for update"
_KEEP_NUMBERS = """
insert into release_floors (app, environment, number)
select app, environment, max(number) from releases where app = :name group by app, environment
on conflict (app, environment) do update set number = greatest(release_floors.number, excluded.number)
"""
# Events are kept: they explain the app's pushes later. Pushes and builds are deleted, because sequences start again
# with a new app of this name. Numbers of releases continue: a late message has a number of the deleted app.
_ABANDON_IMAGES = """
insert into abandoned_images (image, digest)
select distinct image, digest from builds where app = :name and digest <> '' and image_deleted_at is null
on conflict (image, digest) do update set since = now(), claimed_at = null
"""
_REMOVE_BUILDS = "delete from builds where app = :name returning name, state"
_REMOVE_APP = (
    _KEEP_NUMBERS,
    "delete from releases where app = :name",
    "delete from pushes where app = :name",
    "delete from projects where name = :name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppEditor:
    """AppEditor over the table projects and its dependent tables."""

    database: Postgres

    def add(self, app: App, *, repository: str, owner: str = "", replicas: int = 1) -> str:
        """Add the app; see AppEditor."""
        with self.database.transaction():
            rows = self.database.run(
                _ADD_APP,
                name=app.name,
                git_url=app.git_url,
                git_key=repository_key(app.git_url) if app.git_url else "",
                branch=app.branch,
                paths=list(app.paths),
                root=app.root,
                repository=repository,
                domain=app.domain,
                replicas=replicas,
            )
            if not rows:
                return ""
            home = production(app.name, app.branch)
            self.database.run(_ADD_PRODUCTION, app=app.name, name=home.name, branch=home.branch, label=home.label)
            if owner:
                self.database.run(_ADD_OWNER, app=app.name, user=owner)
        return str(rows[0][0])

    def set_source(self, name: str, *, git_url: str, branch: str, root: str | None = None) -> tuple[Environment, ...]:
        """Set the source of production; see AppEditor."""
        with self.database.transaction():
            key = repository_key(git_url) if git_url else ""
            rows = self.database.run(_SET_SOURCE, name=name, git_url=git_url, git_key=key, branch=branch, root=root)
            if not rows:
                raise NotFound(_gone(name))
            branch = str(rows[0][0])
            self.database.run(_SET_PRODUCTION, name=name, branch=branch)
            closed = self.database.run(_CLOSE, name=name, branch=branch)
        return tuple(
            Environment(app=name, name=environment, branch=branch, label=label, state=EnvironmentState.CLOSED)
            for environment, label in closed
        )

    def set_push_follow(self, name: str, *, follow: bool) -> None:
        """Set whether pushes are followed; see AppEditor."""
        if not self.database.run(_SET_PUSH_FOLLOW, name=name, follow=follow):
            raise NotFound(_gone(name))

    def set_clone_urls(self, name: str, urls: CloneUrls) -> None:
        """Record the clone URLs; see AppEditor."""
        if not self.database.run(_SET_CLONE_URLS, name=name, http=urls.http, ssh=urls.ssh):
            raise NotFound(_gone(name))

    def set_repository(self, name: str, *, git_url: str, repository: str) -> None:
        """Set the app's repository; see AppEditor."""
        key = repository_key(git_url) if git_url else ""
        if not self.database.run(_SET_REPOSITORY, name=name, git_url=git_url, git_key=key, repository=repository):
            raise NotFound(_gone(name))

    def remove(self, name: str) -> RemovedApp:
        """Remove the app; see AppEditor."""
        with self.database.transaction():
            if not self.database.run(_LOCK_APP, name=name):
                raise NotFound(_gone(name))
            environments = self.database.run(_ENVIRONMENTS, name=name)
            hosts = self.database.run(_HOSTS, name=name)
            self.database.run(_ABANDON_IMAGES, name=name)
            builds = self.database.run(_REMOVE_BUILDS, name=name)
            for statement in _REMOVE_APP:
                self.database.run(statement, name=name)
        return RemovedApp(
            labels=tuple(label for _, label in environments),
            custom_domains=tuple(host for (host,) in hosts),
            environments=tuple(environment for environment, _ in environments),
            builds=tuple(sorted(build for build, state in builds if state == BuildState.RUNNING)),
        )


def _gone(name: str) -> str:
    return f"there is no app {name!r}: see `paas apps list`"


_SOURCE = "select git_url, forge_id as identity from projects where name = :app and git_url <> ''"
_IDENTIFY = "update projects set forge_id = :identity where name = :app and git_url = :url"
# A repository that Slipway created stays the app's own only under its owner.
_MOVE = """
update projects as p set git_url = :new, git_key = :key, git_clone_http = :http, git_clone_ssh = :ssh,
    git_repo_name = case when git_repo_name = '' then '' else :created end
where name = :app and git_url = :old
    and not exists (select from projects as o where o.git_key = :key and o.name <> p.name)
returning name
"""
_MOVE_PUSHES = "update pushes set repository = :key where app = :app and repository = :old"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppIdentities:
    """AppIdentities over the tables projects and pushes."""

    database: Postgres

    def source(self, app: str) -> KnownSource | None:
        """Return an app's repository; see AppIdentities."""
        rows = self.database.rows(_SOURCE, app=app)
        return KnownSource(**rows[0]) if rows else None

    def identify(self, app: str, git_url: str, identity: str) -> None:
        """Record the identity of an app's repository; see AppIdentities."""
        self.database.run(_IDENTIFY, app=app, url=git_url, identity=identity)

    def move(self, app: str, old: str, new: str) -> bool:
        """Give an app the new URL of its repository; see AppIdentities."""
        urls, key = clone_urls(new), repository_key(new)
        (former, _, _), (owner, _, name) = (full_name_of(url).lower().rpartition("/") for url in (old, new))
        values = {
            "new": new,
            "key": key,
            "http": urls.http,
            "ssh": urls.ssh,
            "created": name if owner == former else "",
        }
        with self.database.transaction():
            moved = self.database.run(_MOVE, app=app, old=old, **values)
            if moved:
                self.database.run(_MOVE_PUSHES, app=app, key=key, old=repository_key(old))
        return bool(moved)


# The webhook secrets of apps, in the table webhook_secrets.

_SECRETS_OF = """
select s.secret, p.name from projects as p join webhook_secrets as s on s.app = p.name
where p.git_key = any(cast(:keys as text[])) and p.git_key <> ''
    or :identity::text <> '' and p.forge_id = :identity::text
        and not exists (select from projects where git_key = any(cast(:keys as text[])) and git_key <> '')
order by p.name
"""
_PUT_WEBHOOK = """
insert into webhook_secrets (app, secret) values (:app, :secret)
on conflict (app) do update set secret = excluded.secret, set_at = now()
"""
_REMOVE_WEBHOOK = "delete from webhook_secrets where app = :app returning app"
_HAS_WEBHOOK = "select 1 from webhook_secrets where app = :app"
_SHARES_WEBHOOK = """
select 1 from projects as p join projects as mine on mine.name = :app
where p.git_key = mine.git_key and p.git_key <> '' and p.name <> mine.name
    and not exists (select from webhook_secrets as s where s.app = p.name)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresWebhookSecrets:
    """WebhookSecrets and AppWebhooks over the table webhook_secrets, whose secrets are encrypted."""

    database: Postgres
    cipher: Cipher

    def of_repository(self, *keys: str, identity: str = "") -> tuple[WebhookSecret, ...]:
        """Return the secrets of a repository's apps; see WebhookSecrets."""
        found = self.database.run(_SECRETS_OF, keys=list(keys), identity=identity)
        try:
            return tuple(WebhookSecret(secret=self.cipher.open(secret), app=app) for secret, app in found)
        except Rejected as error:
            # The caller is not known yet, and the forge must send the webhook again: the operator has to act.
            _log.error("the secret of a webhook cannot be opened: %s", error)
            msg = "the secret of the webhook cannot be read now"
            raise Unavailable(msg) from error

    def has(self, app: str) -> bool:
        """Return whether the app has a secret; see AppWebhooks."""
        return bool(self.database.run(_HAS_WEBHOOK, app=app))

    def put(self, app: str, secret: str) -> None:
        """Set the app's secret; see AppWebhooks."""
        self.database.run(_PUT_WEBHOOK, app=app, secret=self.cipher.seal(secret))

    def join(self, app: str, secret: str) -> bool:
        """Set the secret of an app with a new repository; see AppWebhooks."""
        with self.database.transaction():
            if self.database.run(_SHARES_WEBHOOK, app=app):
                self.remove(app)
                return False
            self.put(app, secret)
        return True

    def remove(self, app: str) -> bool:
        """Remove the app's secret; see AppWebhooks."""
        return bool(self.database.run(_REMOVE_WEBHOOK, app=app))
