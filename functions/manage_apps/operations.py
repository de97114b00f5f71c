"""What is done to a running app without a push: deploy, undeploy, restart, scale, limits; and what runs now."""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from functions.common.domain.build import is_digest
from functions.common.domain.config import MOST_BYTES
from functions.common.domain.environment import PRODUCTION, EnvironmentState
from functions.common.domain.git_url import full_name_of
from functions.common.domain.quantity import checked_cpu, checked_memory
from functions.common.domain.release import RELEASE_COMMAND, WEB, Limits, ReleaseState, wanted_processes
from functions.common.errors import NotFound, Rejected
from functions.common.events.app import DomainAdded
from functions.common.events.base import CURRENT_CAUSE, Event, event_id
from functions.common.events.operation import (
    DeployRequested,
    LimitsChanged,
    MaintenanceChanged,
    RestartRequested,
    ScaleChanged,
    UndeployRequested,
)
from functions.common.events.push import PushReceived, Repository
from functions.common.ports.accounts import AppRole
from functions.common.ports.apps import ConfigScope, ConfigVars
from functions.common.ports.audit import AuditLog
from functions.common.ports.builds import BuiltImages
from functions.common.ports.domains import Domains
from functions.common.ports.events import Changes
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.images import ImageResolver
from functions.common.ports.releases import EnvironmentRecord, ReleaseHistory, ReleaseRecord
from functions.common.ports.scales import AppLimits, Maintenance, ProcessCounts, Scales
from functions.manage_apps.apps import Hosts
from functions.manage_apps.config import ConfigChanges, set_config
from functions.manage_apps.domains import DomainProofs
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, ChangeView, NoBody, NoQuery, Query, View
from functions.manage_apps.operation import Answer, Call, operation
from functions.manage_apps.releases import find_environment

_PROCESS = re.compile(r"^[A-Za-z0-9_-]{1,63}\Z")
_RUNNING = frozenset({ReleaseState.STARTED, ReleaseState.LIVE})
_PORT = 65535
_REPLICAS = 1000
_NO_COMMIT = "0" * 40
Number = Annotated[StrictInt, Field(ge=0, le=_REPLICAS)]
Port = Annotated[StrictInt, Field(ge=0, le=_PORT)]
Texts = dict[str, Annotated[str, StringConstraints(max_length=MOST_BYTES)]]


class InEnvironment(Query):
    """Production, or a preview by its name or label."""

    environment: str = PRODUCTION


class Target(Body):
    """The environment to act on."""

    environment: str = PRODUCTION


class Deployment(Target):
    """Without `image` the newest commit of the environment's branch is deployed.

    The other fields change the project first: `port` of its image, `replicas` of web, `domain` a custom domain,
    `env_vars` and `secrets` its config. `project_name` may repeat the name. Empty values and 0 change nothing.
    """

    project_name: str = Field(default="", max_length=100)
    image: str = Field(default="", max_length=500)
    domain: str = Field(default="", max_length=300)
    port: Port = 0
    replicas: Number = 0
    env_vars: Texts = Field(default_factory=dict)
    secrets: Texts = Field(default_factory=dict)


class DeployAnswer(ChangeView):
    """The release that follows; `event` is the id of the event that begins it.

    `digest` and `image` are empty while the commit `sha` has no image: it is built first.
    """

    event: str
    app: str
    environment: str
    image: str
    digest: str
    sha: str
    url: str


class Requested(ChangeView):
    """The event that was published; its effect follows."""

    event: str
    app: str
    environment: str


class Scale(Target):
    """New numbers of processes: `replicas` of web, or `processes` by type."""

    replicas: Number = 0
    processes: dict[str, Number] = Field(default_factory=dict, max_length=50)


class Scaled(ChangeView):
    """The wanted number of each process type; `event` is empty when nothing changed."""

    event: str
    app: str
    environment: str
    processes: dict[str, int]


class LimitChanges(Body):
    """New limits of each process; an empty text or 0 returns to the platform's default, what is left out stays."""

    cpu: str = Field(default="", max_length=20)
    memory: str = Field(default="", max_length=20)
    port: Port = 0


class LimitsView(ChangeView):
    """What each process of the app may use. `notes` say which limits this platform cannot enforce as a cluster does."""

    app: str
    cpu: str
    memory: str
    port: int
    notes: tuple[str, ...]


class Switch(Target):
    """`on` shows the maintenance page."""

    on: StrictBool


class MaintenanceView(ChangeView):
    """Whether visitors get the maintenance page, with 503 and Retry-After."""

    app: str
    environment: str
    on: bool


class ProcessView(View):
    """A process type: how many are wanted, and how many are ready.

    A type beside web has none until it is scaled: then `start` is the command that starts it, otherwise empty.
    """

    name: str
    replicas: int
    ready_replicas: int
    start: str


class DeploymentStatus(View):
    """What is observed: `status` is none, pending, running or failed. `replicas` are those of web.

    `processes` has all types; `release` is the live one's number, 0 without one. With `maintenance` visitors get a page
    with 503 instead.
    """

    project_name: str
    environment: str
    image: str
    release: int
    replicas: int
    ready_replicas: int
    url: str
    status: str
    maintenance: bool
    processes: tuple[ProcessView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationHandlers:
    """The handlers of operations."""

    history: ReleaseHistory
    scales: Scales
    limits: AppLimits
    maintenance: Maintenance
    counts: ProcessCounts
    images: ImageResolver
    built: BuiltImages
    heads: ForgeHeads
    config: ConfigVars
    domains: Domains
    proofs: DomainProofs
    changes: Changes
    audit: AuditLog
    hosts: Hosts

    @operation(NoQuery, Deployment, DeployAnswer, statuses=(202,), refusals=(409,))
    def deploy(self, call: Call[NoQuery, Deployment]) -> Answer[DeployAnswer]:
        """Deploy an image, or the newest commit of the environment's branch without a push."""
        body, environment = call.body, self._open(call, call.body.environment)
        self._check_project(call)
        event: Event = self._image(call, environment) if body.image else self._commit(call, environment)
        with self.changes.begin() as change:
            for follows in self._settle(call, environment):
                change.announce(follows)
            event_id = change.announce(event)
            what = body.image or event.model_dump().get("after") or "the newest commit"
            self.audit.record(actor=call.actor, action="deploy", target=environment.label, detail=str(what))
        fields = event.model_dump()
        answer = DeployAnswer(
            event=event_id,
            app=environment.app,
            environment=environment.name,
            image=fields.get("image", ""),
            digest=fields.get("digest", ""),
            sha=fields.get("sha") or fields.get("after", ""),
            url=self.hosts.url(self.hosts.host(environment.label)),
        )
        return Answer(status=202, body=answer, queued=change.queued)

    @operation(InEnvironment, NoBody, Requested, statuses=(202,), refusals=(409, 422))
    def undeploy(self, call: Call[InEnvironment, NoBody]) -> Answer[Requested]:
        """Remove what runs, and keep the app with its history, config and domains; a later deploy runs it again."""
        environment = self._open(call, call.query.environment)
        newest = self._running(environment)
        event = UndeployRequested(
            app=environment.app, environment=environment.name, through=newest.number, actor=call.actor
        )
        return self._request(call, environment, event, "undeploy")

    @operation(NoQuery, Target, Requested, statuses=(202,), refusals=(409,))
    def restart(self, call: Call[NoQuery, Target]) -> Answer[Requested]:
        """Replace all processes by new ones of the same version, without losing a request."""
        environment = self._open(call, call.body.environment)
        self._running(environment)
        event = RestartRequested(app=environment.app, environment=environment.name, actor=call.actor)
        return self._request(call, environment, event, "restart")

    @operation(NoQuery, Scale, Scaled, statuses=(200, 202), refusals=(409,))
    def scale(self, call: Call[NoQuery, Scale]) -> Answer[Scaled]:
        """Run another number of processes; 200 when nothing changes, 202 when they follow."""
        environment = self._open(call, call.body.environment)
        wanted = dict(call.body.processes) | ({"web": call.body.replicas} if call.body.replicas else {})
        newest = self._newest(environment)
        self._check_scale(wanted, environment, newest)
        event = ""
        with self.changes.begin() as change:
            changed = self.scales.change(environment.app, environment.name, wanted)
            if changed:
                about = {"app": environment.app, "environment": environment.name, "actor": call.actor}
                event = change.announce(ScaleChanged(**about, processes=changed))
                detail = ", ".join(f"{name}={wanted[name]}" for name in changed)
                self.audit.record(actor=call.actor, action="scale", target=environment.label, detail=detail)
        processes = {one.name: one.replicas for one in self._processes(environment, newest, ready={})} | wanted
        body = Scaled(event=event, app=environment.app, environment=environment.name, processes=processes)
        return Answer(status=202 if changed else 200, body=body, queued=change.queued)

    @operation(NoQuery, Switch, MaintenanceView, statuses=(200, 202), refusals=(409,))
    def switch_maintenance(self, call: Call[NoQuery, Switch]) -> Answer[MaintenanceView]:
        """Show visitors a page with 503 and Retry-After, or what runs again; everything keeps running."""
        environment, on = self._open(call, call.body.environment), call.body.on
        if on and not self.counts.capacity(environment.app).has_maintenance:
            msg = (
                f"{environment.app} is a Knative Service behind an Ingress, which has no maintenance page: "
                f"`paas undeploy --app {environment.app}` stops the app instead"
            )
            raise Conflict(msg)
        about: dict[str, Any] = {"app": environment.app, "environment": environment.name}
        with self.changes.begin() as change:
            if self.maintenance.switch(**about, on=on):
                change.announce(MaintenanceChanged(**about, on=on, actor=call.actor))
                detail = "on" if on else "off"
                self.audit.record(actor=call.actor, action="maintenance", target=environment.label, detail=detail)
        return Answer(body=MaintenanceView(**about, on=on), queued=change.queued)

    @operation(NoQuery, NoBody, LimitsView)
    def show_limits(self, call: Call[NoQuery, NoBody]) -> Answer[LimitsView]:
        """Show what each process of the app may use."""
        name = call.app.app.name
        return Answer(body=self._limits_view(name, self.limits.read(name)))

    @operation(NoQuery, LimitChanges, LimitsView, statuses=(200, 202))
    def change_limits(self, call: Call[NoQuery, LimitChanges]) -> Answer[LimitsView]:
        """Change port, CPU and memory of the app's processes; what runs gets a new release with them."""
        name, body = call.app.app.name, call.body
        given = {field: getattr(body, field) for field in body.model_fields_set}
        checked_cpu(body.cpu)
        checked_memory(body.memory)
        with self.changes.begin() as change:
            limits = replace(self.limits.read(name), **given)
            changed = self.limits.change(name, limits)
            if changed:
                change.announce(LimitsChanged(app=name, names=changed, actor=call.actor))
                detail = ", ".join(f"{field}={getattr(limits, field)}" for field in changed)
                self.audit.record(actor=call.actor, action="limits", target=name, detail=detail)
        return Answer(body=self._limits_view(name, limits), queued=change.queued)

    @operation(InEnvironment, NoBody, DeploymentStatus)
    def show_deployment(self, call: Call[InEnvironment, NoBody]) -> Answer[DeploymentStatus]:
        """Show what runs, as observed: image, wanted and ready replicas, URL and status."""
        environment = find_environment(self.history, call.app.app.name, call.query.environment)
        newest = self._newest(environment)
        live = newest
        if newest and environment.release and newest.number != environment.release:
            live = self.history.rollback_target(environment.app, environment.name, environment.release)
        ready = self.counts.ready(environment.app, environment.name) if environment.release or newest else {}
        processes = self._processes(environment, live, ready=ready)
        none = ProcessView(name=WEB, replicas=0, ready_replicas=0, start="")
        web = next((one for one in processes if one.name == WEB), none)
        view = DeploymentStatus(
            project_name=environment.app,
            environment=environment.name,
            image=f"{live.image}@{live.digest}" if live and environment.release else "",
            release=environment.release,
            replicas=web.replicas,
            ready_replicas=web.ready_replicas,
            url=self.hosts.url(self.hosts.host(environment.label)),
            status=self._status(environment, newest, web),
            maintenance=self.maintenance.is_on(environment.app, environment.name),
            processes=processes,
        )
        return Answer(body=view)

    def _status(self, environment: EnvironmentRecord, newest: ReleaseRecord | None, web: ProcessView) -> str:
        if newest and newest.state == ReleaseState.STARTED:
            return "pending"
        if environment.release:
            is_elastic = self.counts.capacity(environment.app).is_elastic
            if web.ready_replicas >= web.replicas or is_elastic:
                return "running"
            return "running" if web.ready_replicas else "pending"
        return "failed" if newest and newest.state == ReleaseState.FAILED else "none"

    def _processes(
        self, environment: EnvironmentRecord, release: ReleaseRecord | None, *, ready: dict[str, int]
    ) -> tuple[ProcessView, ...]:
        """Return the process types of a release that runs, `web` first."""
        if release is None or not (environment.release or release.state in _RUNNING):
            return ()
        scaled, capacity = self.scales.read(environment.app, environment.name), self.counts.capacity(environment.app)
        found = []
        # Web processes of an elastic platform are as many as requests need now.
        web = ready.get(WEB, 0) if capacity.is_elastic else capacity.replicas
        for name in sorted({*release.processes, WEB} - {RELEASE_COMMAND}, key=lambda name: (name != WEB, name)):
            replicas = wanted_processes(name, scaled, web=web)
            start = "" if replicas or name == WEB else _start_command(name, environment)
            found.append(ProcessView(name=name, replicas=replicas, ready_replicas=ready.get(name, 0), start=start))
        return tuple(found)

    def _check_scale(
        self, wanted: dict[str, int], environment: EnvironmentRecord, newest: ReleaseRecord | None
    ) -> None:
        if not wanted:
            msg = 'processes: give numbers by type, such as {"processes": {"web": 3}}, or replicas of web'
            raise Rejected(msg)
        most = self.counts.capacity(environment.app).most
        known = {*newest.processes, WEB} - {RELEASE_COMMAND} if newest else None
        for name, number in wanted.items():
            if name == RELEASE_COMMAND:
                msg = "processes.release: it is the release command, which runs once before each release"
                raise Rejected(msg)
            if name == "web" and not number:
                msg = f"processes.web: give 1 or more: `paas undeploy --app {environment.app}` stops the app"
                raise Rejected(msg)
            if number > most:
                msg = f"processes.{name}: give at most {most}, which is what this platform runs"
                raise Rejected(msg)
            if not _PROCESS.match(name) or (known is not None and name not in known):
                shown = f", only {', '.join(sorted(known))}" if known else ""
                msg = f"processes: there is no process type {name[:63]!r}{shown}: the Procfile names them"
                raise Rejected(msg)

    def _check_project(self, call: Call[Any, Deployment]) -> None:
        body, app = call.body, call.app.app
        if body.project_name not in {"", app.name}:
            msg = f"project_name: the path names {app.name}: leave it out, or give the same"
            raise Rejected(msg)
        if body.replicas > (most := self.counts.capacity(app.name).most):
            msg = f"replicas: give at most {most}, which is what this platform runs"
            raise Rejected(msg)
        if (body.env_vars or body.secrets) and body.environment not in {PRODUCTION, app.name}:
            msg = "env_vars: config of previews is shared by all of them: set it with `paas config set --scope preview`"
            raise Rejected(msg)
        if both := sorted(body.env_vars.keys() & body.secrets.keys()):
            msg = f"secrets: {', '.join(both)} is among env_vars too: give it once"
            raise Rejected(msg)
        if body.env_vars or body.secrets:
            ConfigChanges.read({**body.env_vars, **body.secrets})
        self._check_domain(call)

    def _check_domain(self, call: Call[Any, Deployment]) -> None:
        domain, app = call.body.domain, call.app.app
        if domain in {"", app.domain}:
            return
        host = self.hosts.checked_custom(domain)
        if host not in app.custom_domains and (claim := self.proofs.missing(call.caller, app.name, host)):
            msg = f"domain: prove first that {host} is yours: create {claim.name} TXT {claim.value} in the DNS"
            raise Conflict(msg)

    def _settle(self, call: Call[Any, Deployment], environment: EnvironmentRecord) -> list[Event]:
        """Store what the request changes before its release, and return the events of it."""
        body, app, events = call.body, call.app.app, list[Event]()
        if body.env_vars or body.secrets:
            # No config.changed: the release that follows has the config.
            values = {**body.env_vars, **body.secrets}
            set_config(self.config, self.counts, app.name, ConfigScope.PRODUCTION, values)
        if body.port:
            self.limits.change(app.name, replace(self.limits.read(app.name), port=body.port))
        if body.replicas:
            self.scales.change(app.name, environment.name, {"web": body.replicas})
        if body.domain and body.domain != app.domain:
            host = self.hosts.checked_custom(body.domain)
            if self.domains.add(app.name, host) != app.name:
                msg = f"domain: {host} belongs to another app: remove it there first"
                raise Conflict(msg)
            if host not in app.custom_domains:
                events.append(DomainAdded(app=app.name, environment=PRODUCTION, host=host))
        return events

    def _image(self, call: Call[Any, Deployment], environment: EnvironmentRecord) -> DeployRequested:
        name, digest = self.images.resolve(self._reference(call))
        built = self.built.of_digest(digest)
        own = [image for app, image in built if self._may_deploy(call, app)]
        made_by = self.images.app_of(name)
        # A failed build, a deleted app and one that is being built have images too, of which `built` knows nothing.
        if not own and (not name or built or (made_by is not None and not self._may_deploy(call, made_by))):
            msg = f"image: there is no image {call.body.image!r} that you may deploy"
            raise Rejected(msg)
        image = name or own[0].reference
        processes = own[0].processes if own else {"web": ""}
        return self._deploy_request(call, environment, image=image, digest=digest, processes=processes)

    def _reference(self, call: Call[NoQuery, Deployment]) -> str:
        """Return what the registry is asked for; a digest alone is that of an image that a build made."""
        given = call.body.image
        built = self.built.of_digest(given) if is_digest(given) else ()
        own = [image.reference for app, image in built if self._may_deploy(call, app)]
        return f"{own[0]}@{given}" if own else given

    def _commit(self, call: Call[Any, Deployment], environment: EnvironmentRecord) -> Event:
        app = call.app.app
        head = self.heads.head(app.git_url, environment.branch) if app.git_url else None
        if not head:
            why = f"the branch {environment.branch} has no commit yet" if head == "" else "its forge cannot be asked"
            msg = f"the newest commit of {app.git_url or app.name} is unknown ({why}): push it, or give an image"
            raise Conflict(msg)
        if self.built.is_moving(app.name, head):
            msg = f"{head[:12]} is being deployed already: follow it with `paas explain {head[:12]}`"
            raise Conflict(msg)
        if image := self.built.of_commit(app.name, head):
            fields: dict[str, Any] = {"image": image.reference, "digest": image.digest, "processes": image.processes}
            return self._deploy_request(call, environment, **fields, sha=head)
        push = _push_of(app.name, app.git_url, environment.branch, head)
        return push.model_copy(update={"push": event_id(CURRENT_CAUSE.get(), push)})

    def _may_deploy(self, call: Call[Any, Any], app: str) -> bool:
        membership = call.access.membership(app)
        return membership is not None and membership.role.covers(AppRole.DEPLOYER)

    def _deploy_request(self, call: Call[Any, Any], environment: EnvironmentRecord, **fields: Any) -> DeployRequested:  # noqa: ANN401 - of the event
        return DeployRequested(app=environment.app, environment=environment.name, actor=call.actor, **fields)

    def _request(
        self, call: Call[Any, Any], environment: EnvironmentRecord, event: Event, action: str
    ) -> Answer[Requested]:
        with self.changes.begin() as change:
            published = change.announce(event)
            self.audit.record(actor=call.actor, action=action, target=environment.label)
        body = Requested(event=published, app=environment.app, environment=environment.name)
        return Answer(status=202, body=body, queued=change.queued)

    def _limits_view(self, app: str, limits: Limits) -> LimitsView:
        notes = self.counts.capacity(app).notes
        return LimitsView(app=app, cpu=limits.cpu, memory=limits.memory, port=limits.port, notes=notes)

    def _open(self, call: Call[Any, Any], name: str) -> EnvironmentRecord:
        environment = find_environment(self.history, call.app.app.name, name)
        if environment.state == EnvironmentState.CLOSED:
            msg = f"{environment.app}/{environment.name} is closed: push its branch again to open it"
            raise Conflict(msg)
        return environment

    def _newest(self, environment: EnvironmentRecord) -> ReleaseRecord | None:
        found = self.history.releases(environment.app, environment.name, before=0, limit=1)
        return found[0] if found else None

    def _running(self, environment: EnvironmentRecord) -> ReleaseRecord:
        """Return the newest release. Raises NotFound when nothing runs or starts."""
        newest = self._newest(environment)
        if newest is None or not (environment.release or newest.state in _RUNNING):
            msg = f"nothing runs in {environment.app}/{environment.name}: deploy it with `paas deploy`, or push"
            raise NotFound(msg)
        return newest


def _start_command(process: str, environment: EnvironmentRecord) -> str:
    where = "" if environment.name == PRODUCTION else f" --environment {environment.label}"
    return f"paas scale {process}=1 --app {environment.app}{where}"


def _push_of(app: str, git_url: str, branch: str, head: str) -> PushReceived:
    """Return the push of a head as if its forge had announced it, for one app alone."""
    return PushReceived(
        app=app,
        provider="api",
        delivery=f"api-{head}",
        repository=Repository(full_name=full_name_of(git_url), urls=(git_url,)),
        ref=f"refs/heads/{branch}",
        branch=branch,
        before=_NO_COMMIT,
        after=head,
    )
