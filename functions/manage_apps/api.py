"""The HTTP side of the API: route, token, app, query, body; every answer is JSON."""

import hashlib
import json
import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request
from flask.typing import ResponseReturnValue

from functions.common.domain.clients import client_address
from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Cause
from functions.common.events.envelope import continued
from functions.common.ports.accounts import AccessTokens, Members
from functions.common.ports.apps import AppRegister
from functions.manage_apps.access import Access, Need, authenticate, found_app
from functions.manage_apps.errors import TooManyRequests, Unauthenticated, UnknownToken, status_of
from functions.manage_apps.limits import RequestLimits
from functions.manage_apps.models import ErrorView, View
from functions.manage_apps.operation import Answer, Call, declared_by
from functions.manage_apps.request import fields_of, parameters_of, path_of
from functions.manage_apps.routing import APP, Route, router

RETRY_SECONDS = "5"
EVENT_STREAM = "text/event-stream"
_SOURCE = "/slipway/api"
# The dashboard has the same origin, and errors repeat parts of the path: no browser shows them as a page.
_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

_log = logging.getLogger("slipway")


Handle = Callable[[Call[Any, Any]], Answer[View]]


class Api:
    """Answers requests by the table of routes.

    `groups` compose the handlers by name. Each is composed, and its module imported, at the first request to it:
    a cold start pays for one of them.
    """

    def __init__(
        self,
        groups: Mapping[str, Callable[[], object]],
        *,
        tokens: AccessTokens,
        members: Members,
        register: AppRegister,
        limits: RequestLimits,
        proxies: int,
    ) -> None:
        self._groups = groups
        self._composed = dict[str, object]()
        self._router = router()
        self._tokens = tokens
        self._members = members
        self._register = register
        self._limits = limits
        self._proxies = proxies

    def __call__(self, request: Request) -> ResponseReturnValue:
        """Answer one request in JSON."""
        headers = dict(_HEADERS)
        try:
            answer = self._answer(request)
        except SlipwayError as error:
            answer = Answer(status=status_of(error), body=ErrorView(error=str(error)))
            headers |= _advice(error)
        except Exception as error:  # noqa: BLE001 - the caller must get an answer, and no details
            answer = Answer(status=500, body=ErrorView(error=f"internal error (ref {_logged(error)})"))
        if answer.stream is not None:
            return answer.stream, 200, {**headers, "Content-Type": EVENT_STREAM}
        if answer.queued:
            answer = Answer(status=202, body=answer.body.model_copy(update={"queued": True}))
        return _encoded(answer.body), answer.status, headers

    def handler(self, route: Route) -> Handle:
        """Return the handler of a route."""
        if route.group not in self._composed:
            self._composed[route.group] = self._groups[route.group]()
        handle: Handle = getattr(self._composed[route.group], route.handler)
        return handle

    def _answer(self, request: Request) -> Answer[View]:
        content = request.get_data()
        route, path = self._router.match(request.method, path_of(request))
        address = client_address(
            request.headers.get("X-Forwarded-For", ""), request.remote_addr or "", proxies=self._proxies
        )
        access = self._access(request, route.need, address)
        handle = self.handler(route)
        declared = declared_by(handle)
        call = Call(
            address=address,
            streams=EVENT_STREAM in request.headers.get("Accept", ""),
            last_event=request.headers.get("Last-Event-ID", ""),
            granted=access,
            path=path,
            named_app=found_app(self._register, path[APP], access) if APP in path else None,
            query=declared.query.read(parameters_of(request.query_string)),
            body=declared.body.read(fields_of(content, request.mimetype) if route.reads_body else {}),
        )
        reset = CURRENT_CAUSE.set(_cause(request, content, access))
        try:
            return handle(call)
        finally:
            CURRENT_CAUSE.reset(reset)

    def _access(self, request: Request, need: Need, address: str) -> Access | None:
        if need is Need.PUBLIC:
            self._limits.check_address(address)
            return None
        try:
            caller = authenticate(request.headers.get("Authorization", ""), self._tokens)
        except UnknownToken:
            self._limits.refuse_token(address)
            raise
        self._limits.check_caller(caller)
        access = Access(caller=caller, need=need, members=self._members)
        access.check()
        return access


def _cause(request: Request, content: bytes, access: Access | None) -> Cause:
    """Return the request as a cause: repeated with the same Idempotency-Key it gives events with the same ids."""
    key = request.headers.get("Idempotency-Key", "")
    parts = (access.caller.token if access else "", request.method, request.path, key)
    digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + request.query_string + b"\n" + content).hexdigest()[:32]
    return Cause(
        function="manage-apps",
        source=_SOURCE,
        id=f"key-{digest}" if key else f"request-{uuid.uuid4().hex}",
        traceparent=continued(request.headers.get("traceparent", "")),
    )


def _encoded(body: View) -> bytes:
    text = json.dumps(body.model_dump(mode="json"), ensure_ascii=False)
    # Recorded events may hold half a surrogate pair, which UTF-8 cannot encode; this writes it as JSON's \uXXXX.
    return text.encode(errors="backslashreplace")


def _advice(error: SlipwayError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": RETRY_SECONDS} if isinstance(error, Unavailable) else {}


def _logged(error: Exception) -> str:
    """Log where an error happened and of which type it is; its text may hold values of the database."""
    reference = uuid.uuid4().hex[:12]
    fields: dict[str, Any] = {"ref": reference, "traceback": "".join(traceback.format_tb(error.__traceback__))}
    _log.error("internal error: %s", type(error).__name__, extra={"fields": fields})
    return reference
