"""The table of routes, and which of them answers a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.routing import Map, RequestRedirect, Rule

from functions.common.errors import NotFound
from functions.common.ports.apps import Role
from functions.manage_apps.errors import MethodNotAllowed
from functions.manage_apps.operation import Operation

PREFIXES = ("/v1", "/api/v1")
APP = "app"  # the part of a path that names an app
_WITHOUT_BODY = frozenset({"GET"})


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a werkzeug rule below the prefix. `role` is what the token needs; None: no token is needed.

    `group` names the handlers that app.py composes, `handler` the method of theirs. What the handler reads and
    answers is declared there (`operation`).
    """

    method: str
    path: str
    role: Role | None
    group: str
    handler: str

    @property
    def reads_body(self) -> bool:
        """Whether the request's body is read."""
        return self.method not in _WITHOUT_BODY

    def errors(self, operation: Operation) -> tuple[int, ...]:
        """Return the statuses of all errors that the route may answer."""
        found = {400, 413, 500, 503, *operation.refusals}
        found |= {401} if self.role else set()
        found |= {403} if self.role and self.role != Role.VIEWER else set()
        found |= {404} if "<" in self.path else set()
        found |= {415, 422} if self.reads_body else set()
        return tuple(sorted(found))


_LETTER = "/dead-letters/<int(max=9223372036854775807):number>"

ROUTES = (
    Route("GET", "/openapi.json", None, "document", "show_openapi"),
    Route("GET", "/whoami", Role.VIEWER, "tokens", "who_am_i"),
    Route("POST", "/tokens", Role.ADMIN, "tokens", "create_token"),
    Route("DELETE", "/tokens/<name>", Role.ADMIN, "tokens", "revoke_token"),
    Route("GET", "/apps", Role.VIEWER, "apps", "list_apps"),
    Route("POST", "/apps", Role.DEPLOYER, "apps", "create_app"),
    Route("GET", "/apps/<app>", Role.VIEWER, "apps", "show_app"),
    Route("DELETE", "/apps/<app>", Role.DEPLOYER, "apps", "delete_app"),
    Route("PUT", "/apps/<app>/git", Role.DEPLOYER, "apps", "set_git_source"),
    Route("GET", "/apps/<app>/config", Role.VIEWER, "config", "show_config"),
    Route("PATCH", "/apps/<app>/config", Role.DEPLOYER, "config", "change_config"),
    Route("GET", "/apps/<app>/domains", Role.VIEWER, "domains", "list_domains"),
    Route("PUT", "/apps/<app>/domains/<host>", Role.DEPLOYER, "domains", "add_domain"),
    Route("DELETE", "/apps/<app>/domains/<host>", Role.DEPLOYER, "domains", "remove_domain"),
    Route("GET", "/apps/<app>/environments", Role.VIEWER, "releases", "list_environments"),
    Route("GET", "/apps/<app>/releases", Role.VIEWER, "releases", "list_releases"),
    Route("POST", "/apps/<app>/rollback", Role.DEPLOYER, "releases", "roll_back"),
    Route("GET", "/apps/<app>/builds", Role.VIEWER, "logs", "list_builds"),
    Route("GET", "/apps/<app>/logs", Role.VIEWER, "logs", "show_app_logs"),
    Route("GET", "/builds/<build>", Role.VIEWER, "logs", "show_build"),
    Route("GET", "/builds/<build>/log", Role.VIEWER, "logs", "show_build_log"),
    Route("GET", "/pushes/<push>", Role.VIEWER, "pushes", "explain_push"),
    Route("GET", "/events", Role.VIEWER, "events", "list_events"),
    Route("GET", "/events/<event>", Role.VIEWER, "events", "show_event"),
    Route("POST", "/events/<event>/replay", Role.DEPLOYER, "events", "replay_event"),
    Route("GET", "/dead-letters", Role.VIEWER, "dead_letters", "list_dead_letters"),
    Route("GET", _LETTER, Role.VIEWER, "dead_letters", "show_dead_letter"),
    Route("POST", f"{_LETTER}/redrive", Role.DEPLOYER, "dead_letters", "redrive"),
    Route("POST", f"{_LETTER}/discard", Role.DEPLOYER, "dead_letters", "discard"),
)


class Router:
    """Finds routes; the same ones below every prefix.

    werkzeug's Map instead of a framework's router: Flask brings it, the Functions Framework owns the Flask app, and a
    second framework would double the cold start.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        rules = [
            Rule(prefix + route.path, endpoint=route, methods=[route.method]) for route in routes for prefix in PREFIXES
        ]
        self._paths = Map(rules, strict_slashes=False, merge_slashes=False).bind("slipway")

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """Return the route and the variable parts of the path. Raises NotFound or MethodNotAllowed."""
        try:
            route, parts = self._paths.match(path, method="GET" if method == "HEAD" else method)
        except (NoRule, RequestRedirect) as error:
            msg = f"nothing is at {path}: the API begins with /v1, for example /v1/apps"
            raise NotFound(msg) from error
        except WrongMethod as error:
            msg = f"{method} is not possible at {path}, only {', '.join(sorted(error.valid_methods or []))}"
            raise MethodNotAllowed(msg) from error
        return route, parts
