"""Releases, rollbacks, and the environments that releases run in."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from functions.common.domain.environment import PRODUCTION, EnvironmentState
from functions.common.domain.release import ReleaseState
from functions.common.errors import NotFound, Rejected
from functions.common.events.release import RollbackRequested
from functions.common.ports.apps import ConfigScope, ConfigVars
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.releases import EnvironmentRecord, ReleaseHistory, ReleaseRecord
from functions.manage_apps.apps import Hosts
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import (
    INT32,
    Body,
    ChangeView,
    Moment,
    NoBody,
    NoQuery,
    NumberPage,
    PageView,
    View,
    next_page,
)
from functions.manage_apps.operation import Answer, Call, operation

_NEVER_LIVE = frozenset({ReleaseState.FAILED, ReleaseState.SUPERSEDED, ReleaseState.STARTED})


class ReleasePage(NumberPage):
    """Releases of one environment."""

    environment: str = PRODUCTION


class Rollback(Body):
    """`to` is a release's number; 0 is the release that was live before the current one.

    `config` names keys that get the values of that release again; all others keep those of now.
    """

    to: Annotated[int, Field(ge=0, le=INT32, strict=True)] = 0
    environment: str = PRODUCTION
    config: tuple[str, ...] = Field(default=(), max_length=100)


class ReleaseView(View):
    """A release. `seconds` run from its start to its end, or until now; `reason` says why it did not go live.

    `processes` are the names of its process types.
    """

    app: str
    environment: str
    number: int
    kind: str
    state: str
    sha: str
    push: str
    digest: str
    image: str
    processes: tuple[str, ...]
    step: str
    reason: str
    note: str
    created_at: Moment
    ended_at: Moment | None
    seconds: float


class Releases(PageView):
    """Releases, newest first."""

    items: tuple[ReleaseView, ...]


class RollbackView(ChangeView):
    """The release whose image will run again; `event` is the id of rollback.requested.

    It runs with the config of now: `differs` are the keys whose values were others in that release.
    """

    event: str
    app: str
    environment: str
    to: int
    digest: str
    differs: tuple[str, ...]


class EnvironmentView(View):
    """Production or the preview of a branch; `release` is the live one's number, 0 when there is none."""

    app: str
    name: str
    branch: str
    label: str
    state: str
    release: int
    opened_at: Moment
    pushed_at: Moment | None
    closed_at: Moment | None
    url: str


class Environments(PageView):
    """Production first, closed environments last."""

    items: tuple[EnvironmentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHandlers:
    """The handlers of releases and environments."""

    history: ReleaseHistory
    config: ConfigVars
    changes: Changes
    audit: AuditLog
    hosts: Hosts

    @operation(ReleasePage, NoBody, Releases)
    def list_releases(self, call: Call[ReleasePage, NoBody]) -> Answer[Releases]:
        """List the releases of an environment, newest first."""
        app, query = call.app.app.name, call.query
        environment = find_environment(self.history, app, query.environment)
        records = self.history.releases(app, environment.name, before=query.after, limit=query.limit)
        items = tuple(ReleaseView.of(record) for record in records)
        return Answer(body=Releases(items=items, next=next_page(items, query.limit, lambda one: one.number)))

    @operation(NoQuery, Rollback, RollbackView, statuses=(202,), refusals=(409,))
    def roll_back(self, call: Call[NoQuery, Rollback]) -> Answer[RollbackView]:
        """Release the image of an earlier release again, without a build; 409 when it cannot run."""
        app = call.app.app.name
        environment = find_environment(self.history, app, call.body.environment)
        target = self._target(environment, call.body.to)
        with self.changes.begin() as change:
            self._restore(call, environment, target)
            differs = self.config.differing(app, _scope_of(environment), (environment.name, target.number))
            event = change.announce(
                RollbackRequested(app=app, environment=environment.name, to=target.number, actor=call.actor)
            )
            detail = f"to {target.number}"
            self.audit.record(actor=call.actor, action="rollback", target=environment.label, detail=detail)
        body = RollbackView(
            event=event,
            app=app,
            environment=environment.name,
            to=target.number,
            digest=target.digest,
            differs=differs,
        )
        return Answer(status=202, body=body, queued=change.queued)

    @operation(NoQuery, NoBody, Environments)
    def list_environments(self, call: Call[NoQuery, NoBody]) -> Answer[Environments]:
        """List an app's environments: production first, closed ones last."""
        items = tuple(self._view(one) for one in self.history.environments(call.app.app.name))
        return Answer(body=Environments(items=items, next=None))

    def _restore(self, call: Call[NoQuery, Rollback], environment: EnvironmentRecord, target: ReleaseRecord) -> None:
        keys = call.body.config
        if not keys:
            return
        missing = self.config.restore(environment.app, _scope_of(environment), (environment.name, target.number), keys)
        if missing:
            msg = f"config: release {target.number} has no {', '.join(missing)}"
            raise Rejected(msg)
        self.audit.record(actor=call.actor, action="config.set", target=environment.app, detail=", ".join(keys))

    def _view(self, record: EnvironmentRecord) -> EnvironmentView:
        return EnvironmentView(
            app=record.app,
            name=record.name,
            branch=record.branch,
            label=record.label,
            state=record.state,
            release=record.release,
            opened_at=record.opened_at,
            pushed_at=record.pushed_at,
            closed_at=record.closed_at,
            url=self.hosts.url(self.hosts.host(record.label)),
        )

    def _target(self, environment: EnvironmentRecord, number: int) -> ReleaseRecord:
        where = f"{environment.app}/{environment.name}"
        if environment.state == EnvironmentState.CLOSED:
            msg = f"{where} is closed: push its branch again to open it"
            raise Conflict(msg)
        target = self.history.rollback_target(environment.app, environment.name, number)
        if target is None:
            wanted = f"no release {number}" if number else "no earlier release that was live"
            msg = f"{where} has {wanted}: see `paas releases --app {environment.app}`"
            raise NotFound(msg)
        if target.state in _NEVER_LIVE:
            msg = f"release {number} of {where} is {target.state} and was never live: choose one that was"
            raise Conflict(msg)
        return target


def _scope_of(environment: EnvironmentRecord) -> ConfigScope:
    return ConfigScope.PRODUCTION if environment.name == PRODUCTION else ConfigScope.PREVIEW


def find_environment(history: ReleaseHistory, app: str, name: str) -> EnvironmentRecord:
    """Return the environment of an app with this name or label. Raises NotFound."""
    known = history.environments(app)
    # Names come first: a preview whose branch is called like the app has production's label as its name.
    named = [one for one in known if one.name == name] or [one for one in known if one.label == name]
    if not named:
        msg = f"{app} has no environment {name!r}: see `paas previews --app {app}`"
        raise NotFound(msg)
    return named[0]
