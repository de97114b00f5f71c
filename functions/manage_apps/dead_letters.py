"""Dead letters: events that no function could handle, looked at and settled.

One in answers: {"id", "event": id, "type", "subject", "app", "push", "subscriber", "code", "error", "state",
"parked_at", "ended_at"}; alone also "body", the event's structured form.
"""

from functools import partial
from typing import Any

from functions.common.errors import NotFound
from functions.common.ports.api_tokens import Role
from functions.common.ports.audit_log import AuditLog
from functions.common.ports.changes import Changes
from functions.common.ports.event_sink import EventSink
from functions.common.ports.parked_events import ParkedEvent, ParkedEvents
from functions.manage_apps.calls import PAGE, Answer, Call, page_of
from functions.manage_apps.events import structured
from functions.manage_apps.refusals import Conflict, Malformed
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of

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
    if not parked.settle(found.id, state):
        msg = f"dead letter {found.id} is not parked any more: see `paas dead-letters show {found.id}`"
        raise Conflict(msg)


def _view(one: ParkedEvent) -> dict[str, Any]:
    event = {"event": one.event.id, "type": one.event.type, "subject": one.event.subject}
    return {"id": one.id, **event, **view_of(one, "id", "event")}


def routes(*, parked: ParkedEvents, sink: EventSink, changes: Changes, audit: AuditLog) -> tuple[Route, ...]:
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
