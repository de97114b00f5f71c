"""Pushes as they are recorded, and the events that tell of them."""

from dataclasses import replace

from functions.common.domain.push import Push, PushState
from functions.common.events.base import Event
from functions.common.events.build import BuildRequested
from functions.common.events.push import PushIgnored, PushReceived, PushSuperseded
from functions.resolve_app.decide import Verdict


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
