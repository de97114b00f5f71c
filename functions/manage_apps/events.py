"""Recorded events: looked at, and sent again.

An event in a list: the fields of ports.event_archive.EventRecord. One event: its structured CloudEvents form.
"""

import json
from functools import partial
from typing import Any

from functions.common.errors import NotFound
from functions.common.events.envelope import Envelope
from functions.common.ports.api_tokens import Role
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.event_archive import EventArchive
from functions.common.ports.event_log import EventLog
from functions.common.ports.event_sink import EventSink
from functions.common.ports.subscriptions import Subscriptions
from functions.manage_apps.calls import PAGE, Answer, Body, Call, page_of
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of


class Replay(Body):
    """POST /events/<id>/replay."""

    dry_run: bool = False


def list_events(call: Call, *, archive: EventArchive) -> Answer:
    """Answer {"items": [event], "next"}, oldest first, or with ?newest=true newest first; ?push= and ?app= narrow."""
    limit, from_there = call.limit(), call.number("after")
    push, app = call.query.get("push", ""), call.query.get("app", "")
    if call.flag("newest"):
        records = archive.page_back(push=push, app=app, before=from_there, limit=limit)
    else:
        records = archive.page(push=push, app=app, after=from_there, limit=limit)
    return page_of([view_of(record) for record in records], limit=limit, key="sequence")


def show_event(call: Call, *, log: EventLog) -> Answer:
    """Answer the event."""
    return Answer(body=structured(found_event(log, call.path["event"])))


def replay(call: Call, *, log: EventLog, sink: EventSink, subscriptions: Subscriptions, audit: AuditLog) -> Answer:
    """Answer {"event", "type", "replayed": bool, "to": [{"trigger", "function"}]}, 202 when it was sent.

    It is sent as it is, with its own id: what was done for it already is not done again.
    """
    wanted, envelope = call.body(Replay), found_event(log, call.path["event"])
    answer = {"event": envelope.id, "type": envelope.type, "replayed": not wanted.dry_run}
    if wanted.dry_run:
        return Answer(body={**answer, "to": [view_of(one) for one in subscriptions.of(envelope)]})
    sink.resend(envelope)
    audit.record(actor=call.token.name, action="event.replay", target=envelope.id, detail=envelope.type)
    return Answer(status=202, body=answer)


def found_event(log: EventLog, number: str) -> Envelope:
    """Return the event with this id. Raises NotFound."""
    envelope = log.find(number)
    if envelope is None:
        msg = f"there is no event {number!r}: see `paas events list`"
        raise NotFound(msg)
    return envelope


def structured(envelope: Envelope) -> dict[str, Any]:
    """Return the event in its structured form."""
    form: dict[str, Any] = json.loads(envelope.to_json())
    return form


def routes(
    *, log: EventLog, archive: EventArchive, sink: EventSink, subscriptions: Subscriptions, audit: AuditLog
) -> tuple[Route, ...]:
    """Return the routes of events."""
    again = partial(replay, log=log, sink=sink, subscriptions=subscriptions, audit=audit)
    return (
        Route("GET", "/events", Role.VIEWER, partial(list_events, archive=archive), PAGE | {"push", "app", "newest"}),
        Route("GET", "/events/<event>", Role.VIEWER, partial(show_event, log=log)),
        Route("POST", "/events/<event>/replay", Role.DEPLOYER, again),
    )
