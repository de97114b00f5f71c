"""A push comes in: whose is it, and what is to be done for each app?"""

from contextlib import suppress
from dataclasses import dataclass, replace

from functions.common.domain.environment import Environment
from functions.common.domain.git_url import repository_key
from functions.common.domain.push import Push, PushState
from functions.common.errors import Rejected
from functions.common.events.app import PreviewOpened
from functions.common.events.base import Event
from functions.common.events.build import BuildRequested
from functions.common.events.push import PushIgnored, PushReceived, PushSuperseded, Repository
from functions.common.ports.apps import AppDirectory, Environments
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.pushes import PushHistory, PushLedger
from functions.resolve_app.decide import Verdict, decide, is_plain, weigh

# Pushes as they are recorded, and the events that tell of them.


def as_push(event: PushReceived, *, key: str, app: str) -> Push:
    """Return the push for one app, undecided; `key` is its repository's."""
    return Push(
        id=event.push,
        app=app,
        environment="",
        repository=key,
        ref=event.ref,
        before=event.before,
        sha=event.after,
        message=event.message,
        author=event.author,
    )


def of_no_app(event: PushReceived, *, key: str) -> Push:
    """Return the push of a repository that no app is made from: it ends ignored."""
    reason = (
        f"no app matches repo {event.repository.full_name}: create one with `paas apps create NAME`, or give an "
        f"app this git URL with PUT /v1/apps/ID/git ({event.repository.urls[0]}), then push again"
    )
    return replace(as_push(event, key=key, app=""), state=PushState.IGNORED, reason=reason)


def judged(push: Push, verdict: Verdict) -> Push:
    """Return the push with its verdict."""
    name = verdict.environment.name
    return replace(push, environment=name, state=verdict.state, code=verdict.code, reason=verdict.reason)


def told(push: Push, event: PushReceived) -> Event:
    """Return the event of a recorded push: the same for the same record, whatever became of it later."""
    where = {"app": push.app, "environment": push.environment, "push": push.id}
    repository, sha = event.repository, push.sha
    if push.sequence:
        request = {"clone_url": repository.urls[0], "ref": push.ref}
        return BuildRequested(**where, repository=repository.full_name, sha=sha, sequence=push.sequence, **request)
    if push.state is PushState.SUPERSEDED:
        return PushSuperseded(**where, repository=repository.full_name, sha=sha, reason=push.reason)
    told_of = {"branch": event.branch, "code": push.code, "reason": push.reason}
    return PushIgnored(**where, repository=repository.full_name, sha=sha, **told_of)


# A repository's keys.


def keys_of(repository: Repository) -> tuple[str, ...]:
    """Return the key of each of the repository's URLs, the best first. Raises Rejected when none can be read."""
    keys = []
    for url in repository.urls:
        with suppress(Rejected):
            keys.append(repository_key(url))
    if not keys:
        msg = f"repository {repository.full_name} comes without a git URL that can be read"
        raise Rejected(msg)
    return tuple(dict.fromkeys(keys))


# Takes one app's push into its environment.


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Records pushes; `default_domain` is where previews answer."""

    environments: Environments
    pushes: PushLedger
    sink: EventSink
    default_domain: str

    def __call__(self, push: Push, wanted: Environment) -> Push:
        """Record a push that ends here, or admit it to its environment, opening that; safe to repeat."""
        if push.state is not PushState.RECEIVED:
            return self.pushes.record(push, code=push.code)
        opened = self.environments.open(wanted)
        environment = opened.environment
        if opened.fresh and not environment.is_production:
            self._announce(push, environment)
        return self.pushes.admit(replace(push, environment=environment.name))

    def _announce(self, push: Push, environment: Environment) -> None:
        host = f"{environment.label}.{self.default_domain}"
        where = {"app": environment.app, "environment": environment.name, "push": push.id}
        self.sink.publish(PreviewOpened(**where, branch=environment.branch, host=host))


NO_APP = "no-app"


def handle_push(
    event: PushReceived,
    *,
    apps: AppDirectory,
    history: PushHistory,
    heads: ForgeHeads,
    admission: Admission,
    sink: EventSink,
) -> Event:
    """Tell for each app of the repository what is to be built, or why nothing is.

    What is recorded stands: a redelivery tells the same again.
    """
    keys = keys_of(event.repository)
    found = apps.by_repository(*keys)
    done = {push.app: push for push in history.recorded(event.push)}
    if not done and not found:
        done[""] = admission.pushes.record(of_no_app(event, key=keys[0]), code=NO_APP)
    open_apps = [] if "" in done else [app for app in found if app.name not in done]
    head = heads.head(event.repository.urls[0], event.branch) if open_apps else None
    for app in open_apps:
        push = as_push(event, key=keys[0], app=app.name)
        verdict = _weighed(decide(app, event), push, event, head=head, history=history)
        done[app.name] = admission(judged(push, verdict), verdict.environment)
    *others, last = [told(done[name], event) for name in sorted(done)]
    for other in others:
        sink.publish(other)
    return last


def _weighed(verdict: Verdict, push: Push, event: PushReceived, *, head: str | None, history: PushHistory) -> Verdict:
    if is_plain(verdict, event, head):
        return verdict
    return weigh(verdict, event, head=head, lineage=history.lineage(push, head or ""))
