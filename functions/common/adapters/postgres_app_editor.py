"""Changes of apps, each in one transaction."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.domain.app import App
from functions.common.domain.build import BuildState
from functions.common.domain.environment import Environment, EnvironmentState, production
from functions.common.domain.git_url import repository_key
from functions.common.errors import NotFound
from functions.common.ports.app_register import RemovedApp

_ADD = """
insert into projects (name, git_url, git_key, branch, paths, git_repo_name, git_clone_http, domain)
values (:name, :git_url, :git_key, :branch, :paths::text[], :repository, :git_url, :domain)
on conflict (name) do nothing returning id::text
"""
_ADD_PRODUCTION = """
insert into environments (app, name, branch, label) values (:app, :name, :branch, :label)
"""
_SET_SOURCE = """
update projects set git_url = coalesce(nullif(:git_url, ''), git_url),
    git_key = coalesce(nullif(:git_key, ''), git_key), branch = coalesce(nullif(:branch, ''), branch)
where name = :name returning branch
"""
_SET_PRODUCTION = "update environments set branch = :branch where app = :name and name = 'production'"
_CLOSE = """
update environments set state = 'closed', closed_at = now()
where app = :name and branch = :branch and name <> 'production' and state = 'open'
returning name, label
"""
_HOSTS = "select host from custom_domains where app = :name order by host"
_ENVIRONMENTS = "select name, label from environments where app = :name order by name"
_LOCK = "select id from projects where name = :name for update"
_KEEP_NUMBERS = """
insert into release_floors (app, environment, number)
select app, environment, max(number) from releases where app = :name group by app, environment
on conflict (app, environment) do update set number = greatest(release_floors.number, excluded.number)
"""
# Events stay: they are what explains the app's pushes afterwards. Sequences start anew with an app of the
# same name, so what is counted by them goes. Numbers of releases go on: what is late tells by its number that
# it is of the app before.
_ABANDON_IMAGES = """
insert into abandoned_images (image, digest)
select distinct image, digest from builds where app = :name and digest <> '' and image_deleted_at is null
on conflict (image, digest) do update set since = now(), claimed_at = null
"""
_REMOVE_BUILDS = "delete from builds where app = :name returning name, state"
_REMOVE = (
    _KEEP_NUMBERS,
    "delete from releases where app = :name",
    "delete from pushes where app = :name",
    "delete from projects where name = :name",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAppEditor:
    """AppEditor over the table projects and what belongs to it."""

    database: Postgres

    def add(self, app: App, *, repository: str) -> str:
        """Add the app; see AppEditor."""
        with self.database.transaction():
            rows = self.database.run(
                _ADD,
                name=app.name,
                git_url=app.git_url,
                git_key=repository_key(app.git_url) if app.git_url else "",
                branch=app.branch,
                paths=list(app.paths),
                repository=repository,
                domain=app.domain,
            )
            if not rows:
                return ""
            home = production(app.name, app.branch)
            self.database.run(_ADD_PRODUCTION, app=app.name, name=home.name, branch=home.branch, label=home.label)
        return str(rows[0][0])

    def set_source(self, name: str, *, git_url: str, branch: str) -> tuple[Environment, ...]:
        """Change what feeds production; see AppEditor."""
        with self.database.transaction():
            key = repository_key(git_url) if git_url else ""
            rows = self.database.run(_SET_SOURCE, name=name, git_url=git_url, git_key=key, branch=branch)
            if not rows:
                raise NotFound(_gone(name))
            branch = str(rows[0][0])
            self.database.run(_SET_PRODUCTION, name=name, branch=branch)
            closed = self.database.run(_CLOSE, name=name, branch=branch)
        return tuple(
            Environment(app=name, name=environment, branch=branch, label=label, state=EnvironmentState.CLOSED)
            for environment, label in closed
        )

    def remove(self, name: str) -> RemovedApp:
        """Remove the app; see AppEditor."""
        with self.database.transaction():
            if not self.database.run(_LOCK, name=name):
                raise NotFound(_gone(name))
            environments = self.database.run(_ENVIRONMENTS, name=name)
            hosts = self.database.run(_HOSTS, name=name)
            self.database.run(_ABANDON_IMAGES, name=name)
            builds = self.database.run(_REMOVE_BUILDS, name=name)
            for statement in _REMOVE:
                self.database.run(statement, name=name)
        return RemovedApp(
            labels=tuple(label for _, label in environments),
            custom_domains=tuple(host for (host,) in hosts),
            environments=tuple(environment for environment, _ in environments),
            builds=tuple(sorted(build for build, state in builds if state == BuildState.RUNNING)),
        )


def _gone(name: str) -> str:
    return f"there is no app {name!r}: see `paas apps list`"
