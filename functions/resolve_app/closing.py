"""A branch is gone, or its pull request is closed: its previews are closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.common.domain.app import App
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.push import Push, PushState
from functions.common.events.app import PreviewClosed
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushIgnored
from functions.common.ports.apps import AppDirectory, Environments
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.pushes import PushLedger
from functions.resolve_app.handler import keys_of

NO_COMMIT = "0" * 40
DELETED = "branch-deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Closes previews, never production; late news of a branch that lives on change nothing."""

    apps: AppDirectory
    environments: Environments
    pushes: PushLedger
    heads: ForgeHeads
    sink: EventSink
    default_domain: str

    def branch_deleted(self, event: BranchDeleted) -> Event | None:
        """Close the branch's previews; record that a deleted production branch keeps serving."""
        keys = keys_of(event.repository)
        apps = self.apps.by_repository(*keys)
        if not apps or self.heads.head(event.repository.urls[0], event.branch):
            return None
        told = [self._kept(app, event, keys[0]) for app in apps if app.branch == event.branch]
        told += self._closed(apps, event, reason=f"branch {event.branch} was deleted")
        return self._last(told)

    def pull_request_closed(self, event: PullRequestClosed) -> Event | None:
        """Close the head branch's previews, unless it was pushed to since; a fork's branch has none."""
        apps = () if event.fork else self.apps.by_repository(*keys_of(event.repository))
        head = self.heads.head(event.repository.urls[0], event.branch) if apps else None
        if not apps or (head and event.sha and head != event.sha):
            return None
        how = "merged" if event.merged else "closed"
        return self._last(self._closed(apps, event, reason=f"pull request #{event.number} was {how}"))

    def _closed(self, apps: Sequence[App], event: BranchDeleted | PullRequestClosed, *, reason: str) -> list[Event]:
        closed = self.environments.close_previews([app.name for app in apps], event.branch)
        return [
            PreviewClosed(
                app=environment.app,
                environment=environment.name,
                push=event.push,
                branch=environment.branch,
                host=f"{environment.label}.{self.default_domain}",
                reason=reason,
            )
            for environment in closed
        ]

    def _kept(self, app: App, event: BranchDeleted, key: str) -> Event:
        recorded = self.pushes.record(_deletion(app, event, key), code=DELETED)
        return PushIgnored(
            app=app.name,
            environment=PRODUCTION,
            push=recorded.id,
            repository=event.repository.full_name,
            branch=event.branch,
            sha=recorded.sha,
            code=recorded.code,
            reason=recorded.reason,
        )

    def _last(self, told: Sequence[Event]) -> Event | None:
        for event in told[:-1]:
            self.sink.publish(event)
        return told[-1] if told else None


def _deletion(app: App, event: BranchDeleted, key: str) -> Push:
    reason = f"the production branch {event.branch} was deleted; {app.name} keeps serving what it serves"
    return Push(
        id=CURRENT_CAUSE.get().id,  # a deletion is no push and has no id of one
        app=app.name,
        environment=PRODUCTION,
        repository=key,
        ref=f"refs/heads/{event.branch}",
        before="",
        sha=NO_COMMIT,
        state=PushState.IGNORED,
        reason=reason,
    )
