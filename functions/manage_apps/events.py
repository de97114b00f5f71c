"""Recorded events and dead letters: list, show, replay, redrive, discard."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from functions.common.errors import NotFound
from functions.common.events.envelope import Envelope
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import (
    Changes,
    EventArchive,
    EventLog,
    EventSink,
    ParkedEvent,
    ParkedEvents,
    Subscriptions,
)
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, Moment, NoBody, NoQuery, NumberPage, PageView, View, next_page
from functions.manage_apps.operation import Answer, Call, operation

# Recorded events.


class EventPage(NumberPage):
    """Events of a push or an app, empty for any; oldest first unless `newest`."""

    push: str = ""
    app: str = ""
    newest: bool = False


class Replay(Body):
    """A dry run sends nothing and answers which functions would get the event."""

    dry_run: Annotated[bool, Field(strict=True)] = False


class EventView(View):
    """A recorded event without its data; `cause` is the id of the event that it follows from."""

    sequence: int
    id: str
    source: str
    type: str
    subject: str
    push: str
    cause: str
    recorded_at: Moment


class Events(PageView):
    """Recorded events."""

    items: tuple[EventView, ...]


class CloudEventView(View):
    """A CloudEvent in its structured JSON form; extensions are strings beside the attributes."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str] = Field(init=False)

    specversion: str
    id: str
    source: str
    type: str
    data: Any


class SubscriberView(View):
    """A Trigger that lets the event through, and its function."""

    trigger: str
    function: str


class ReplayView(View):
    """`to` is answered for a dry run."""

    event: str
    type: str
    replayed: bool
    to: tuple[SubscriberView, ...] | None = Field(default=None, exclude_if=lambda to: to is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHandlers:
    """The handlers of recorded events."""

    log: EventLog
    archive: EventArchive
    sink: EventSink
    subscriptions: Subscriptions
    audit: AuditLog

    @operation(EventPage, NoBody, Events)
    def list_events(self, call: Call[EventPage, NoBody]) -> Answer[Events]:
        """List recorded events, oldest first, or newest first with newest=true."""
        query, limit, visible = call.query, call.query.limit, call.access.visibility
        if query.newest:
            before = query.after
            records = self.archive.page_back(
                push=query.push, app=query.app, before=before, limit=limit, visible=visible
            )
        else:
            records = self.archive.page(push=query.push, app=query.app, after=query.after, limit=limit, visible=visible)
        items = tuple(EventView.of(record) for record in records)
        return Answer(body=Events(items=items, next=next_page(items, query.limit, lambda one: one.sequence)))

    @operation(NoQuery, NoBody, CloudEventView)
    def show_event(self, call: Call[NoQuery, NoBody]) -> Answer[CloudEventView]:
        """Show an event in its structured form."""
        return Answer(body=cloud_event_view(self._event(call)))

    @operation(NoQuery, Replay, ReplayView, statuses=(202, 200))
    def replay_event(self, call: Call[NoQuery, Replay]) -> Answer[ReplayView]:
        """Send an event again as it is, with its own id: functions do not repeat what they did for it."""
        event = self._event(call)
        if call.body.dry_run:
            to = tuple(SubscriberView.of(one) for one in self.subscriptions.of(event))
            return Answer(body=ReplayView(event=event.id, type=event.type, replayed=False, to=to))
        self.sink.resend(event)
        self.audit.record(actor=call.actor, action="event.replay", target=event.id, detail=event.type)
        return Answer(status=202, body=ReplayView(event=event.id, type=event.type, replayed=True))

    def _event(self, call: Call[NoQuery, Any]) -> Envelope:
        event_id = call.path["event"]
        found = self.log.find(event_id)
        app = found.extensions.get("slipwayapp", "") if found else ""
        if found is None or not call.access.allows(app, at=self.archive.recorded_at(event_id)):
            msg = f"there is no event {event_id!r}: see `paas events list`"
            raise NotFound(msg)
        return found


def cloud_event_view(event: Envelope) -> CloudEventView:
    """Return the event in its structured form."""
    return CloudEventView.of(json.loads(event.to_json()))


# Dead letters: events that a function could not handle.


class LetterState(StrEnum):
    """A dead letter is parked until it is redriven or discarded."""

    PARKED = "parked"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


class ListedState(StrEnum):
    """Which dead letters to list."""

    PARKED = "parked"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"
    ALL = "all"


class LetterPage(NumberPage):
    """Dead letters in one state."""

    state: ListedState = ListedState.PARKED


class LetterView(View):
    """A dead letter: `subscriber` could not handle the event; `code` and `error` are its last answer."""

    id: int
    event: str
    type: str
    subject: str
    app: str
    push: str
    subscriber: str
    code: int
    error: str
    state: str
    parked_at: Moment
    ended_at: Moment | None


class LetterWithEvent(LetterView):
    """A dead letter with its event."""

    body: CloudEventView


class Letters(PageView):
    """Dead letters, newest first."""

    items: tuple[LetterView, ...]


class RedrivenLetter(View):
    """The event was sent again to all its subscribers."""

    id: int
    state: LetterState
    event: str


class DiscardedLetter(View):
    """The event will not be sent again."""

    id: int
    state: LetterState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterHandlers:
    """The handlers of dead letters."""

    parked: ParkedEvents
    sink: EventSink
    changes: Changes
    audit: AuditLog

    @operation(LetterPage, NoBody, Letters)
    def list_dead_letters(self, call: Call[LetterPage, NoBody]) -> Answer[Letters]:
        """List dead letters, newest first; parked ones unless `state` says otherwise."""
        query = call.query
        state = "" if query.state is ListedState.ALL else query.state
        found = self.parked.page(state=state, before=query.after, limit=query.limit, visible=call.access.visibility)
        items = tuple(LetterView.model_validate(_fields(one)) for one in found)
        return Answer(body=Letters(items=items, next=next_page(items, query.limit, lambda one: one.id)))

    @operation(NoQuery, NoBody, LetterWithEvent)
    def show_dead_letter(self, call: Call[NoQuery, NoBody]) -> Answer[LetterWithEvent]:
        """Show a dead letter with its event."""
        letter = self._letter(call)
        return Answer(body=LetterWithEvent.model_validate({**_fields(letter), "body": cloud_event_view(letter.event)}))

    @operation(NoQuery, NoBody, RedrivenLetter, statuses=(202,), refusals=(409,))
    def redrive(self, call: Call[NoQuery, NoBody]) -> Answer[RedrivenLetter]:
        """Send the event again to all its subscribers; 409 when it is not parked any more."""
        letter = self._letter(call)
        with self.changes.begin():
            self._end(letter, LetterState.REDRIVEN, action="dead-letter.redrive", actor=call.actor)
            # Inside the transaction: when the broker does not accept the event, the letter stays parked.
            self.sink.resend(letter.event)
        body = RedrivenLetter(id=letter.id, state=LetterState.REDRIVEN, event=letter.event.id)
        return Answer(status=202, body=body)

    @operation(NoQuery, NoBody, DiscardedLetter, refusals=(409,))
    def discard(self, call: Call[NoQuery, NoBody]) -> Answer[DiscardedLetter]:
        """Give the event up; 409 when it is not parked any more."""
        letter = self._letter(call)
        with self.changes.begin():
            self._end(letter, LetterState.DISCARDED, action="dead-letter.discard", actor=call.actor)
        return Answer(body=DiscardedLetter(id=letter.id, state=LetterState.DISCARDED))

    def _letter(self, call: Call[NoQuery, NoBody]) -> ParkedEvent:
        number = call.path["number"]
        found = self.parked.find(int(number))
        if found is None or not call.access.allows(found.app, at=found.parked_at):
            msg = f"there is no dead letter {number}: see `paas dead-letters list`"
            raise NotFound(msg)
        return found

    def _end(self, letter: ParkedEvent, state: LetterState, *, action: str, actor: str) -> None:
        if not self.parked.close(letter.id, state):
            msg = f"dead letter {letter.id} is not parked any more: see `paas dead-letters show {letter.id}`"
            raise Conflict(msg)
        self.audit.record(actor=actor, action=action, target=str(letter.id), detail=letter.event.id)


def _fields(letter: ParkedEvent) -> dict[str, Any]:
    return {
        "id": letter.id,
        "event": letter.event.id,
        "type": letter.event.type,
        "subject": letter.event.subject,
        "app": letter.app,
        "push": letter.push,
        "subscriber": letter.subscriber,
        "code": letter.code,
        "error": letter.error,
        "state": letter.state,
        "parked_at": letter.parked_at,
        "ended_at": letter.ended_at,
    }
