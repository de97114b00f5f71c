"""The routes of pushes: the newest ones of an app, and what happened to one."""

import re
from dataclasses import dataclass
from functools import partial

from functions.common.domain.environment import PRODUCTION
from functions.common.errors import NotFound, Rejected
from functions.common.events.push import PushReceived
from functions.common.ports.builds import BuildQueue
from functions.common.ports.pushes import PushRecord, PushRecords, RecordedEvent
from functions.manage_apps.apps import Hosts
from functions.manage_apps.build_queue import places_of
from functions.manage_apps.explanation import Explanation, explain
from functions.manage_apps.models import Moment, NamePage, NoBody, NoQuery, PageView, View, next_page
from functions.manage_apps.operation import Answer, Call, operation

_HEX = re.compile(r"^[0-9a-f]+\Z")
_SHORTEST = 7
_HEADS = "refs/heads/"


class BranchPage(NamePage):
    """Pushes of one branch, empty for any; `after` is the id of a push."""

    branch: str = ""


class RecordedPush(View):
    """A push of an app, as it is recorded; `GET /v1/pushes/ID` explains it."""

    id: str
    app: str
    environment: str
    ref: str
    sha: str
    message: str
    author: str
    state: str
    code: str
    step: str
    reason: str
    received_at: Moment
    ended_at: Moment | None


class Pushes(PageView):
    """Pushes, newest first."""

    items: tuple[RecordedPush, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushHandlers:
    """The handlers of pushes."""

    records: PushRecords
    queue: BuildQueue
    hosts: Hosts

    @operation(BranchPage, NoBody, Pushes)
    def list_pushes(self, call: Call[BranchPage, NoBody]) -> Answer[Pushes]:
        """List the pushes of an app, newest first; each change of a branch is one, also those that were ignored."""
        app, query = call.app.app.name, call.query
        branch = query.branch.removeprefix(_HEADS)
        records = self.records.newest(app, branch=branch, before=query.after, limit=query.limit)
        items = tuple(RecordedPush.of(record) for record in records)
        return Answer(body=Pushes(items=items, next=next_page(items, query.limit, lambda one: one.id)))

    @operation(NoQuery, NoBody, Explanation, refusals=(422,))
    def explain_push(self, call: Call[NoQuery, NoBody]) -> Answer[Explanation]:
        """Explain a push by its id, its sha, or the first characters of the sha: what happened to it, and why."""
        reference = call.path["push"].lower()
        if _HEX.match(reference) and len(reference) < _SHORTEST:
            msg = f"{reference!r} is too short: give at least {_SHORTEST} characters of the sha"
            raise Rejected(msg)
        deliveries = self.records.deliveries(reference)
        delivered = {one.event: self.records.events(one.event) for one in deliveries if one.type == PushReceived.type}
        pushes = self.records.pushes(reference)
        if not call.caller.sees_all or call.caller.app:
            pushes = tuple(push for push in pushes if call.access.allows(push.app))
            known = {push.id for push in pushes} | {one for one, events in delivered.items() if _allows(call, events)}
            deliveries = tuple(one for one in deliveries if one.event in known)
            delivered = {one: events for one, events in delivered.items() if one in known}
        if not deliveries and not pushes:
            msg = (
                f"no webhook reported a push {reference!r}: check that the commit was pushed and, at the forge, "
                "that the repository's webhook was delivered"
            )
            raise NotFound(msg)
        explanation = explain(
            reference,
            deliveries=deliveries,
            delivered=delivered,
            pushes=pushes,
            events_of=self.records.events,
            url_of=self._url,
            places=partial(places_of, self.queue, call.access),
        )
        return Answer(body=explanation)

    def _url(self, push: PushRecord) -> str:
        if not push.app:
            return ""
        label = push.app if push.environment == PRODUCTION else f"{push.environment}--{push.app}"
        return self.hosts.url(self.hosts.host(label))


def _allows(call: Call[NoQuery, NoBody], events: tuple[RecordedEvent, ...]) -> bool:
    """Return whether events of a push show that it is one of an app that the caller may see."""
    return any(event.app and call.access.allows(event.app, at=event.at) for event in events)
