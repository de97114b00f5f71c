"""Closes the previews of a branch that was deleted, or whose pull request was closed."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.common.domain.app import App
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.git_url import repository_keys
from functions.common.domain.push import Push, PushCode, PushState
from functions.common.events.app import PreviewClosed
from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushIgnored
from functions.common.ports.apps import AppDirectory, Environments
from functions.common.ports.events import EventSink
from functions.common.ports.forge import ForgeHeads
from functions.common.ports.pushes import PushLedger
from functions.resolve_app.handler import head_at_forge

NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewCloser:
    """Closes previews, never production. A late event about a branch that exists changes nothing."""

    apps: AppDirectory
    environments: Environments
    pushes: PushLedger
    heads: ForgeHeads
    sink: EventSink
    default_domain: str

    def branch_deleted(self, event: BranchDeleted) -> Event | None:
        """Close the branch's previews; record that apps keep the release of a deleted production branch."""
        keys = repository_keys(event.repository.urls)
        apps = self.apps.by_repository(*keys)
        if not apps or head_at_forge(apps, event.branch, self.heads):
            return None
        events = [self._record_deletion(app, event, keys[0]) for app in apps if app.branch == event.branch]
        events += self._close(apps, event, reason=f"branch {event.branch} was deleted")
        return self._publish(events)

    def pull_request_closed(self, event: PullRequestClosed) -> Event | None:
        """Close the head branch's previews, unless the branch has newer commits; the branch of a fork has none."""
        apps = () if event.fork else self.apps.by_repository(*repository_keys(event.repository.urls))
        head = head_at_forge(apps, event.branch, self.heads)
        if not apps or (head and event.sha and head != event.sha):
            return None
        how = "merged" if event.merged else "closed"
        return self._publish(self._close(apps, event, reason=f"pull request #{event.number} was {how}"))

    def _close(self, apps: Sequence[App], event: BranchDeleted | PullRequestClosed, *, reason: str) -> list[Event]:
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

    def _record_deletion(self, app: App, event: BranchDeleted, key: str) -> Event:
        recorded = self.pushes.record(_deletion(app, event, key), code=PushCode.BRANCH_DELETED)
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

    def _publish(self, events: Sequence[Event]) -> Event | None:
        """Publish all events but the last, which is the reply."""
        for event in events[:-1]:
            self.sink.publish(event)
        return events[-1] if events else None


def _deletion(app: App, event: BranchDeleted, key: str) -> Push:
    reason = f"the production branch {event.branch} was deleted; {app.name} keeps its current release"
    return Push(
        id=CURRENT_CAUSE.get().id,  # a deletion is no push and has no push id of its own
        app=app.name,
        environment=PRODUCTION,
        repository=key,
        ref=f"refs/heads/{event.branch}",
        before="",
        sha=NO_COMMIT,
        state=PushState.IGNORED,
        reason=reason,
    )
