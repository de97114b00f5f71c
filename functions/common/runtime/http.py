"""A Functions Framework `http` target that composes itself at its first request."""

import json
import logging
from collections.abc import Callable
from io import BytesIO
from threading import Lock

from flask import Request, Response
from flask.typing import ResponseReturnValue

from functions.common.errors import SlipwayError
from functions.common.runtime.logs import log_json_lines

Endpoint = Callable[[Request], ResponseReturnValue]
HEALTH_PATH = "/healthz"

_log = logging.getLogger("slipway")


def http_target(create: Callable[[], Endpoint]) -> Endpoint:
    """Return a plain function, as the framework wants it, around the endpoint that `create` composes.

    Nothing is composed at import. When composing fails (a setting is missing) the answer is 500, so that readiness
    fails; the next request tries again, and each reason is logged once.
    """
    lock, composed, logged = Lock(), list[Endpoint](), set[str]()

    def endpoint() -> Endpoint:
        if composed:
            return composed[0]
        with lock:
            if not composed:
                log_json_lines()
                composed.append(create())
        return composed[0]

    def target(request: Request) -> ResponseReturnValue:
        try:
            ready = endpoint()
        except SlipwayError as error:
            if (why := str(error)) not in logged:  # Knative asks twenty times a second
                logged.add(why)
                _log.error("cannot start: %s", why)
            return "", 500
        if request.path == HEALTH_PATH:
            return "", 204
        return ready(request)

    return target


def limit_body(endpoint: Endpoint, max_bytes: int) -> Endpoint:
    """Return the endpoint, which then finds the whole body in `request.get_data()`.

    A body that is too large is answered with 413, one that cannot be read with 400.
    """

    def limited(request: Request) -> ResponseReturnValue:
        length = request.content_length or 0
        if length > max_bytes:
            return _refuse(request, 413, f"the body is larger than {max_bytes} bytes")
        request.max_content_length = max_bytes + 1  # werkzeug cuts a chunked body off at its limit, without an error
        try:
            size = len(request.get_data())
        except Exception as error:  # noqa: BLE001 - gunicorn has many: invalid chunks or trailers, a closed connection
            _log.info("unreadable body: %s", type(error).__name__)
            return _refuse(request, 400, "the body cannot be read: invalid chunks, or the connection ended early")
        if size > max_bytes:
            return _refuse(request, 413, f"the body is larger than {max_bytes} bytes")
        if size < length:
            return _refuse(request, 400, "the body is shorter than its Content-Length")
        return endpoint(request)

    return limited


def _refuse(request: Request, status: int, text: str) -> Response:
    request.stream = BytesIO()  # the framework reads the body again after the answer, and would fail in the same way
    return Response(json.dumps({"error": text}), status, content_type="application/json")
