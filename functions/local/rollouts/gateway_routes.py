"""Caddy's routes to the functions that are called from outside; pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from functions.local.rollouts.app_routes import files, proxy
from functions.local.rollouts.pages import GATEWAY

_WEBHOOKS = ("/v1/webhooks/*", "/api/v1/webhooks/*", "/webhook/woodpecker")
_API = ("/v1/*", "/api/v1/*", "/project", "/project/*", "/projects", "/projects/*")
_BODY_BYTES = 26 * 1024 * 1024  # more than a webhook may have, so that the function itself says so
CERTIFIED = "/.certified"


def certified_route(folder: str) -> dict[str, Any]:
    """Return the route by which Caddy asks itself whether a host, `domain` in the query, may have a certificate."""
    may = {"match": [files(folder, "/{http.request.uri.query.domain}")], "handle": [_status(200)], "terminal": True}
    routes = [may, {"handle": [_status(403)]}]
    return {
        "match": [{"path": [CERTIFIED]}],
        "handle": [{"handler": "subroute", "routes": routes}],
        "terminal": True,
    }


def gateway_routes(functions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the routes; `functions` is name -> URL.

    A function that is starting again costs waiting time. A delivery of a webhook may be sent twice,
    so that one is repeated even when the function died with it.
    """
    routes = []
    if url := functions.get("verify-webhook"):
        again = {"retry_match": [{"path": list(_WEBHOOKS)}]}
        handler = proxy([urlsplit(url).netloc], load_balancing=again, request_buffers=_BODY_BYTES)
        routes.append({"match": [{"path": list(_WEBHOOKS)}], "handle": [handler], "terminal": True})
    if url := functions.get("manage-apps"):
        routes.append({"match": [{"path": list(_API)}], "handle": [proxy([urlsplit(url).netloc])], "terminal": True})
    nothing = {
        "handler": "static_response",
        "status_code": 404,
        "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
        "body": GATEWAY,
    }
    return [*routes, {"handle": [nothing]}]


def _status(status: int) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status}
