"""Which handler answers which path."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoRoute
from werkzeug.routing import Map, Rule

from functions.common.errors import NotFound
from functions.common.ports.apps import Role
from functions.manage_apps.request import Answer, Call, Malformed, NotAllowed

PREFIXES = ("/v1", "/api/v1")


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a werkzeug rule below the prefix; `query` names the parameters that it knows."""

    method: str
    path: str
    role: Role
    handle: Callable[[Call], Answer]
    query: frozenset[str] = field(default_factory=frozenset)


class Router:
    """Finds routes; the same ones under every prefix."""

    def __init__(self, routes: Iterable[Route]) -> None:
        rules = [
            Rule(prefix + route.path, endpoint=route, methods=[route.method]) for route in routes for prefix in PREFIXES
        ]
        self._paths = Map(rules, strict_slashes=False, merge_slashes=False).bind("slipway")

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """Return the route and the varying parts of the path. Raises NotFound or NotAllowed."""
        try:
            route, parts = self._paths.match(path, method="GET" if method == "HEAD" else method)
        except NoRoute as error:
            msg = f"nothing is at {path}: the API begins with /v1, for example /v1/apps"
            raise NotFound(msg) from error
        except MethodNotAllowed as error:
            msg = f"{method} is not possible at {path}, only {', '.join(sorted(error.valid_methods or []))}"
            raise NotAllowed(msg) from error
        return route, parts


def checked_query(route: Route, query: Mapping[str, str]) -> Mapping[str, str]:
    """Return the query. Raises Malformed naming parameters that the route does not know."""
    unknown = sorted(set(query) - route.query)
    if unknown:
        known = f"it knows {', '.join(sorted(route.query))}" if route.query else "it knows none"
        msg = f"unknown query parameter {', '.join(unknown)}: {known}"
        raise Malformed(msg)
    return query
