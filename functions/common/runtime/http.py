"""A Functions Framework `http` target that composes itself at its first request."""

import json
import logging
import time
from collections.abc import Callable
from hmac import compare_digest
from io import BytesIO
from threading import Lock

from flask import Request, Response
from flask.typing import ResponseReturnValue

from functions.common.errors import SlipwayError, Unavailable
from functions.common.runtime.logs import log_json_lines

Endpoint = Callable[[Request], ResponseReturnValue]
HEALTH_PATH = "/healthz"
HEALTH_PATIENCE_SECONDS = 0.5  # a probe waits for one second
FOREVER = -1.0

_log = logging.getLogger("slipway")


def http_target(create: Callable[[], Endpoint], check: Callable[[], None]) -> Endpoint:
    """Return a plain function, as the framework wants it, around the endpoint that `create` composes.

    Nothing is composed at import. When composing fails (a setting is missing), or `check` finds that the database does
    not fit, the answer is 500, so that readiness fails; the next request tries again, and each reason is logged once.
    A database that does not answer cannot be checked yet: the endpoint says so itself, where it needs it.
    """
    start, logged = _Start(create, check), set[str]()

    def target(request: Request) -> ResponseReturnValue:
        is_health = request.path == HEALTH_PATH
        try:
            endpoint = start.endpoint()
            start.check(HEALTH_PATIENCE_SECONDS if is_health else FOREVER)
        except SlipwayError as error:
            if (why := str(error)) not in logged:  # Knative asks twenty times a second
                logged.add(why)
                _log.error("cannot start: %s", why)
            return "", 500
        return ("", 204) if is_health else endpoint(request)

    return target


def no_database() -> None:
    """Check nothing: for a function without a database."""


class _Start:
    """Composes a function and then checks its database, each until it has succeeded once."""

    def __init__(self, create: Callable[[], Endpoint], check: Callable[[], None]) -> None:
        self._create, self._check = create, check
        self._composing, self._checking = Lock(), Lock()
        self._composed = list[Endpoint]()
        self._is_checked, self._unavailable_at = False, 0.0

    def endpoint(self) -> Endpoint:
        """Return what `create` composes. Raises as it does."""
        if not self._composed:
            with self._composing:
                if not self._composed:
                    log_json_lines()
                    self._composed.append(self._create())
        return self._composed[0]

    def check(self, patience: float) -> None:
        """Check the database unless that has succeeded. Raises what is wrong with it, but not Unavailable.

        One request at a time checks; `patience` limits the seconds that another waits for it.
        """
        if self._is_checked:
            return
        arrived = time.monotonic()
        if not self._checking.acquire(timeout=patience):
            return
        try:
            if not self._is_checked and self._unavailable_at < arrived:
                self._check()
                self._is_checked = True
        except Unavailable:
            self._unavailable_at = time.monotonic()
        finally:
            self._checking.release()


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


def require_token(endpoint: Endpoint, token: str) -> Endpoint:
    """Return the endpoint, which then answers 401 unless the request has the token; an empty one lets everybody in."""
    if not token:
        return endpoint
    wanted = f"Bearer {token}".encode()

    def guarded(request: Request) -> ResponseReturnValue:
        given = request.headers.get("Authorization", "").encode("latin-1", "replace")
        if not compare_digest(given, wanted):
            return _refuse(request, 401, "only the broker may send events here, with its token")
        return endpoint(request)

    return guarded


def _refuse(request: Request, status: int, text: str) -> Response:
    request.stream = BytesIO()  # the framework reads the body again after the answer, and would fail in the same way
    return Response(json.dumps({"error": text}), status, content_type="application/json")
