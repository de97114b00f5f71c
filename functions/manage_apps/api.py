"""The HTTP side of the API: token, route, JSON; errors as {"error": text}."""

import hashlib
import json
import logging
import traceback
import uuid
from collections.abc import Iterable
from typing import Any

from flask import Request
from flask.typing import ResponseReturnValue

from functions.common.errors import SlipwayError, Unavailable
from functions.common.events.base import CURRENT_CAUSE, Cause
from functions.common.events.envelope import continued
from functions.common.ports.apps import ApiToken, ApiTokens
from functions.manage_apps.request import (
    Answer,
    Call,
    Malformed,
    Unauthenticated,
    authenticate,
    authorize,
    is_text,
    status_of,
)
from functions.manage_apps.routing import Route, Router, checked_query

RETRY_SECONDS = "5"
_SOURCE = "/slipway/api"

_log = logging.getLogger("slipway")


class Api:
    """Answers requests by the routes."""

    def __init__(self, routes: Iterable[Route], *, tokens: ApiTokens) -> None:
        self._router = Router(routes)
        self._tokens = tokens

    def __call__(self, request: Request) -> ResponseReturnValue:
        """Answer one request in JSON."""
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        try:
            answer = self._answer(request)
        except SlipwayError as error:
            answer = Answer(status=status_of(error), body={"error": str(error)})
            headers |= _advice(error)
        except Exception as error:  # noqa: BLE001 - the caller must get an answer, and no details
            answer = Answer(status=500, body={"error": f"a fault of the platform, noted as {_noted(error)}"})
        if answer.queued:
            answer = Answer(status=202, body={**(answer.body or {}), "queued": True})
        if answer.body is None:
            return "", 204
        return json.dumps(answer.body, ensure_ascii=False), answer.status, headers

    def _answer(self, request: Request) -> Answer:
        content = request.get_data()
        token = authenticate(request.headers.get("Authorization", ""), self._tokens)
        route, path = self._router.match(request.method, request.path)
        authorize(token, route.role)
        query = checked_query(route, request.args.to_dict())
        if not all(is_text(str(value)) for value in (*path.values(), *query.values())):
            msg = "the URL holds NUL, which no name has"
            raise Malformed(msg)
        call = Call(token=token, path=path, query=query, content=content)
        reset = CURRENT_CAUSE.set(_cause(request, content, token))
        try:
            return route.handle(call)
        finally:
            CURRENT_CAUSE.reset(reset)


def _cause(request: Request, content: bytes, token: ApiToken) -> Cause:
    """Return the request as a cause: with an Idempotency-Key its repeat gives events with the same ids."""
    key = request.headers.get("Idempotency-Key", "")
    parts = (token.name, request.method, request.path, key)
    digest = hashlib.sha256("\n".join(parts).encode() + b"\n" + request.query_string + b"\n" + content).hexdigest()[:32]
    return Cause(
        function="manage-apps",
        source=_SOURCE,
        id=f"key-{digest}" if key else f"request-{uuid.uuid4().hex}",
        traceparent=continued(request.headers.get("traceparent", "")),
    )


def _advice(error: SlipwayError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": RETRY_SECONDS} if isinstance(error, Unavailable) else {}


def _noted(error: Exception) -> str:
    # Where it happened and of what kind, but not its text: a database's error text can hold values.
    number = uuid.uuid4().hex[:12]
    fields: dict[str, Any] = {"fault": number, "traceback": "".join(traceback.format_tb(error.__traceback__))}
    _log.error("fault: %s", type(error).__name__, extra={"fields": fields})
    return number
