"""Turns handlers of typed events into an endpoint, with the answers that a Knative Broker expects.

- a reply: 200 with the event in structured mode
- no reply: 202 without a body, since the broker retries after a body that is not a CloudEvent
- Rejected: 400, which goes to the dead letter sink without retries
- Unavailable: 503, which is retried
- any other error: 500, which is retried; the traceback is in the log, the body is empty

An event of Slipway's own is a hint that names a row: the handler gets what was recorded under its id, and an event
without a row is Rejected. Every publisher commits the row before it sends the event, so a missing row is no race.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from flask import Request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from functions.common.errors import Rejected, Unavailable
from functions.common.events.base import CURRENT_CAUSE, TYPE_PREFIX, Cause, Event
from functions.common.events.envelope import CONTENT_TYPE, Envelope, continued, envelop
from functions.common.ports.clock import Clock
from functions.common.ports.events import EventLog
from functions.common.runtime.cloudevent import MAX_EVENT_BYTES, read_envelope
from functions.common.runtime.http import Endpoint, limit_body, require_token

E = TypeVar("E", bound=Event)
Handler = Callable[[Envelope], Event | None]
Route = tuple[str, Handler]
ANY_TYPE = "*"
MAX_BODY = 2 * MAX_EVENT_BYTES  # data in base64 is a third longer, and a dead letter has more attributes

_log = logging.getLogger("slipway")


def on(event: type[E], handle: Callable[[E], Event | None]) -> Route:
    """Route the type of an event class to a handler of that class."""

    def parse_and_handle(envelope: Envelope) -> Event | None:
        try:
            data = event.model_validate(envelope.data)
        except ValidationError as error:
            where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            msg = f"event {envelope.id} is not a valid {event.type}: {where}"
            raise Rejected(msg) from error
        return handle(data)

    return event.type, parse_and_handle


def on_type(event_type: str, handle: Handler) -> Route:
    """Route a type without a class, or ANY_TYPE, to a handler of the envelope."""
    return event_type, handle


def warm_up(_: Envelope) -> None:
    """Do nothing: the event only starts a function at zero while the functions before it are still at work.

    The start itself opens the connections that the next event needs; see server.py.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """The endpoint of one function behind its Triggers."""

    name: str
    routes: Mapping[str, Handler]
    log: EventLog
    clock: Clock

    def __call__(self, request: Request) -> ResponseReturnValue:
        """Answer one delivery from the broker."""
        started, fields = time.perf_counter(), {"function": self.name}
        try:
            envelope = read_envelope(request.headers.items(), request.get_data())
            fields |= {"event": envelope.id, "type": envelope.type, "subject": envelope.subject}
            reply = self._handle(envelope)
        except Rejected as error:
            _log.warning("rejected: %s", error, extra={"fields": fields})
            return str(error), 400
        except Unavailable as error:
            _log.warning("unavailable: %s", error, extra={"fields": fields})
            return str(error), 503
        except Exception:  # noqa: BLE001 - the broker must get an answer
            _log.exception("failed", extra={"fields": fields})
            return "", 500
        fields |= {"reply": reply.type if reply else "", "ms": str(round((time.perf_counter() - started) * 1000, 1))}
        _log.info("handled", extra={"fields": fields})
        return ("", 202) if reply is None else (reply.to_json(), 200, {"Content-Type": CONTENT_TYPE})

    def _handle(self, envelope: Envelope) -> Envelope | None:
        handler = self.routes.get(envelope.type) or self.routes.get(ANY_TYPE)
        if handler is None:
            msg = f"{self.name} does not handle {envelope.type}: check the Trigger's filter"
            raise Rejected(msg)
        is_recorded = envelope.type.startswith(TYPE_PREFIX) and envelope.type in self.routes
        if is_recorded:
            envelope = self._recorded(envelope)
        trace = continued(envelope.extensions.get("traceparent", ""))
        cause = Cause(function=self.name, source=envelope.source, id=envelope.id, traceparent=trace)
        token = CURRENT_CAUSE.set(cause)
        try:
            event = handler(envelope)
        except Rejected as error:
            if is_recorded:
                self.log.reject(envelope, function=self.name, reason=str(error))
            raise
        finally:
            CURRENT_CAUSE.reset(token)
        if event is None:
            return None
        reply = envelop(event, cause=cause, time=self.clock.now().isoformat())
        self.log.append(reply, cause=envelope.id)
        return reply

    def _recorded(self, given: Envelope) -> Envelope:
        """Return the event as it was recorded, whatever the request says."""
        found = self.log.find(given.id, source=given.source)
        if found is None or found.type != given.type:
            what = f"as {found.type}, not as {given.type}" if found else "nowhere"
            msg = f"event {given.id} of {given.source} is recorded {what}: Slipway did not send it"
            raise Rejected(msg)
        return found


def subscriber(name: str, *routes: Route, log: EventLog, clock: Clock, token: str) -> Endpoint:
    """Return the endpoint of a function with these routes; the broker must send the token, unless it is empty."""
    endpoint = limit_body(Subscriber(name=name, routes=dict(routes), log=log, clock=clock), MAX_BODY)
    return require_token(endpoint, token)
