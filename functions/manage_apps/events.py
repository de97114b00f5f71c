"""Events and dead letters: shown, replayed, redriven, discarded."""

import json
from functools import partial
from typing import Any

from functions.common.errors import NotFound
from functions.common.events.envelope import Envelope
from functions.common.ports.apps import AuditLog, Role
from functions.common.ports.events import (
    Changes,
    EventArchive,
    EventLog,
    EventSink,
    ParkedEvent,
    ParkedEvents,
    Subscriptions,
)
from functions.manage_apps.request import PAGE, Answer, Body, Call, Conflict, Malformed, page_of
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of

# Recorded events: looked at, and sent again.
#
# An event in a list: the fields of ports.event_archive.EventRecord. One event: its structured CloudEvents form.


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


# Dead letters: events that no function could handle, looked at and settled.
#
# One in answers: {"id", "event": id, "type", "subject", "app", "push", "subscriber", "code", "error", "state",
# "parked_at", "ended_at"}; alone also "body", the event's structured form.

PARKED, REDRIVEN, DISCARDED = "parked", "redriven", "discarded"


def list_dead_letters(call: Call, *, parked: ParkedEvents) -> Answer:
    """Answer {"items": [dead letter], "next"}, newest first; ?state= is parked unless given, `all` for every one."""
    state, limit = call.query.get("state", PARKED), call.limit()
    if state not in {PARKED, REDRIVEN, DISCARDED, "all"}:
        msg = "?state= must be parked, redriven, discarded or all"
        raise Malformed(msg)
    found = parked.page(state="" if state == "all" else state, before=call.number("after"), limit=limit)
    return page_of([_view(one) for one in found], limit=limit, key="id")


def show_dead_letter(call: Call, *, parked: ParkedEvents) -> Answer:
    """Answer the dead letter with its event."""
    found = _found(parked, call.path["number"])
    return Answer(body={**_view(found), "body": structured(found.event)})


def redrive(call: Call, *, parked: ParkedEvents, sink: EventSink, changes: Changes, audit: AuditLog) -> Answer:
    """Answer 202 with {"id", "state": "redriven", "event"}: the event is sent to all its subscribers again."""
    found = _found(parked, call.path["number"])
    with changes.begin():
        _settle(parked, found, REDRIVEN)
        audit.record(actor=call.token.name, action="dead-letter.redrive", target=str(found.id), detail=found.event.id)
        # Inside the transaction: when the broker does not take it, it stays parked.
        sink.resend(found.event)
    return Answer(status=202, body={"id": found.id, "state": REDRIVEN, "event": found.event.id})


def discard(call: Call, *, parked: ParkedEvents, changes: Changes, audit: AuditLog) -> Answer:
    """Answer {"id", "state": "discarded"}."""
    found = _found(parked, call.path["number"])
    with changes.begin():
        _settle(parked, found, DISCARDED)
        audit.record(actor=call.token.name, action="dead-letter.discard", target=str(found.id), detail=found.event.id)
    return Answer(body={"id": found.id, "state": DISCARDED})


def _found(parked: ParkedEvents, number: str) -> ParkedEvent:
    found = parked.find(int(number))
    if found is None:
        msg = f"there is no dead letter {number}: see `paas dead-letters list`"
        raise NotFound(msg)
    return found


def _settle(parked: ParkedEvents, found: ParkedEvent, state: str) -> None:
    if not parked.close(found.id, state):
        msg = f"dead letter {found.id} is not parked any more: see `paas dead-letters show {found.id}`"
        raise Conflict(msg)


def _view(one: ParkedEvent) -> dict[str, Any]:
    event = {"event": one.event.id, "type": one.event.type, "subject": one.event.subject}
    return {"id": one.id, **event, **view_of(one, "id", "event")}


def dead_letter_routes(
    *, parked: ParkedEvents, sink: EventSink, changes: Changes, audit: AuditLog
) -> tuple[Route, ...]:
    """Return the routes of dead letters."""
    again = partial(redrive, parked=parked, sink=sink, changes=changes, audit=audit)
    drop = partial(discard, parked=parked, changes=changes, audit=audit)
    one = "/dead-letters/<int(max=9223372036854775807):number>"
    return (
        Route("GET", "/dead-letters", Role.VIEWER, partial(list_dead_letters, parked=parked), PAGE | {"state"}),
        Route("GET", one, Role.VIEWER, partial(show_dead_letter, parked=parked)),
        Route("POST", one + "/redrive", Role.DEPLOYER, again),
        Route("POST", one + "/discard", Role.DEPLOYER, drop),
    )
