"""Decides for each app of a pushed repository what is to be built, and records it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from functions.common.domain.app import App
from functions.common.domain.environment import Environment
from functions.common.domain.git_url import repository_keys
from functions.common.domain.push import Push, PushCode, PushState
from functions.common.events.app import PreviewOpened
from functions.common.events.base import Event
from functions.common.events.build import BuildRequested
from functions.common.events.push import PushIgnored, PushReceived, PushSuperseded
from functions.common.ports.apps import AppDirectory, Environments, TooManyPreviews
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.pushes import PushHistory, PushLedger
from functions.resolve_app.decide import Decision, decide_by_branch, decide_by_settings, is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Records pushes; `default_domain` is the domain of preview hosts, `previews` how many an app may have (0: any)."""

    environments: Environments
    pushes: PushLedger
    sink: EventSink
    default_domain: str
    previews: int

    def __call__(self, push: Push, environment: Environment) -> Push:
        """Record a push that has ended, or open the environment and admit the push to it; safe to repeat."""
        if push.state is not PushState.RECEIVED:
            return self.pushes.record(push, code=push.code)
        try:
            opened = self.environments.open(environment, previews=self.previews)
        except TooManyPreviews:
            refused = replace(push, state=PushState.IGNORED, reason=self._limit(push.app))
            return self.pushes.record(refused, code=PushCode.PREVIEW_LIMIT)
        if opened.is_new and not opened.environment.is_production:
            self._announce(push, opened.environment)
        return self.pushes.admit(replace(push, environment=opened.environment.name))

    def _limit(self, app: str) -> str:
        return (
            f"{app} has {self.previews} open previews, as many as it may have: delete a branch or close a pull request "
            "that is no longer needed, then push again; an operator can allow more by SLIPWAY_MAX_PREVIEWS"
        )

    def _announce(self, push: Push, environment: Environment) -> None:
        host = f"{environment.label}.{self.default_domain}"
        where = {"app": environment.app, "environment": environment.name, "push": push.id}
        self.sink.publish(PreviewOpened(**where, branch=environment.branch, host=host))


def handle_push(
    event: PushReceived,
    *,
    apps: AppDirectory,
    history: PushHistory,
    heads: ForgeHeads,
    admission: Admission,
    sink: EventSink,
    follow: Callable[[PushReceived], None],
) -> Event | None:
    """Publish for each app of the repository what is to be built, or why nothing is.

    What is recorded is never decided again: a redelivery gets the same events. What is built, and asked for the
    branch's head, is the URL that the app has, never one of the event. `follow` gives an app whose repository was
    renamed its new URL before.
    """
    if event.signer:
        follow(event)
    keys = repository_keys(event.repository.urls)
    found = [app for app in apps.by_repository(*keys) if event.app in {"", app.name}]
    done = {push.app: push for push in history.recorded(event.push)}
    if not done and not found:
        done[""] = admission.pushes.record(unmatched(event, key=keys[0]), code=PushCode.NO_APP)
    undecided = [] if "" in done else [app for app in found if app.name not in done]
    head = head_at_forge(undecided, event.branch, heads)
    for app in undecided:
        push = push_of(event, key=keys[0], app=app.name)
        decision = _decide(app, push, event, head=head, history=history)
        done[app.name] = admission(decided(push, decision), decision.environment)
    by_name = {app.name: app for app in found}
    caused = [event_of(done[name], event, app=by_name.get(name)) for name in sorted(done)]
    known = [one for one in caused if one is not None]
    for other in known[:-1]:
        sink.publish(other)
    return known[-1] if known else None


def head_at_forge(apps: Sequence[App], branch: str, heads: ForgeHeads) -> str | None:
    """Return the head of a branch of the apps' repository; see ForgeHeads. The first URL that can be read decides."""
    urls = dict.fromkeys(app.git_url for app in apps)
    return next((head for url in urls if (head := heads.head(url, branch)) is not None), None)


def push_of(event: PushReceived, *, key: str, app: str) -> Push:
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


def unmatched(event: PushReceived, *, key: str) -> Push:
    """Return the push of a repository that no app has; it ends ignored."""
    reason = (
        f"no app matches repo {event.repository.full_name}: create one with `paas apps create NAME`, or give an "
        f"app this git URL with PUT /v1/apps/ID/git ({event.repository.urls[0]}), then push again"
    )
    return replace(push_of(event, key=key, app=""), state=PushState.IGNORED, reason=reason)


def decided(push: Push, decision: Decision) -> Push:
    """Return the push with its decision."""
    name = decision.environment.name
    return replace(push, environment=name, state=decision.state, code=decision.code, reason=decision.reason)


def event_of(push: Push, event: PushReceived, *, app: App | None) -> Event | None:
    """Return the event of a recorded push: always the same, whatever happened to the push later.

    None when the push is to be built, but its app has left the repository and so has no URL of it.
    """
    where = {"app": push.app, "environment": push.environment, "push": push.id}
    repository, sha = event.repository, push.sha
    if push.sequence and not (app and app.git_url):
        return None
    if push.sequence and app:
        request = {"clone_url": app.git_url, "ref": push.ref, "root": app.root}
        return BuildRequested(**where, repository=repository.full_name, sha=sha, sequence=push.sequence, **request)
    if push.state is PushState.SUPERSEDED:
        return PushSuperseded(**where, repository=repository.full_name, sha=sha, reason=push.reason)
    why = {"branch": event.branch, "code": push.code, "reason": push.reason}
    return PushIgnored(**where, repository=repository.full_name, sha=sha, **why)


def _decide(app: App, push: Push, event: PushReceived, *, head: str | None, history: PushHistory) -> Decision:
    decision = decide_by_settings(app, event)
    if is_final(decision, event, head):
        return decision
    return decide_by_branch(decision, event, head=head, lineage=history.lineage(push, head or ""))
