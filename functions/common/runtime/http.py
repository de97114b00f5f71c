"""A Functions Framework `http` target that builds itself at its first request."""

import logging
from collections.abc import Callable
from threading import Lock

from flask import Request
from flask.typing import ResponseReturnValue

from functions.common.errors import SlipwayError
from functions.common.runtime.logs import log_json_lines

Endpoint = Callable[[Request], ResponseReturnValue]
HEALTH_PATH = "/healthz"

_log = logging.getLogger("slipway")


def http_target(create: Callable[[], Endpoint]) -> Endpoint:
    """Return a plain function, as the framework wants it, around what `create` composes.

    Nothing is composed at import. A composition that fails (a missing setting) is answered with 500 so
    that readiness sees it, tried again at the next request, and logged once for each reason.
    """
    lock, built, told = Lock(), list[Endpoint](), set[str]()

    def endpoint() -> Endpoint:
        if built:
            return built[0]
        with lock:
            if not built:
                log_json_lines()
                built.append(create())
        return built[0]

    def target(request: Request) -> ResponseReturnValue:
        try:
            ready = endpoint()
        except SlipwayError as error:
            if (why := str(error)) not in told:  # Knative asks twenty times a second
                told.add(why)
                _log.error("cannot start: %s", why)
            return "", 500
        if request.path == HEALTH_PATH:
            return "", 204
        return ready(request)

    return target
