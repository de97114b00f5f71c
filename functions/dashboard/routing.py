"""The pages and the forms of the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from functions.dashboard.session import HOME


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a werkzeug rule below /dashboard. `group` names the pages that app.py composes, `handler` the method.

    `page` is of a form: the method that shows it again when the API refuses it.
    """

    method: str
    path: str
    group: str
    handler: str
    page: str = ""
    public: bool = False


def _form(path: str, group: str, handler: str, page: str, *, public: bool = False) -> Route:
    return Route("POST", path, group, handler, page, public)


_APP = "/apps/<app>"
ROUTES = (
    Route("GET", "", "apps", "home"),
    Route("GET", "/login", "account", "show_login", public=True),
    _form("/login", "account", "log_in", "show_login", public=True),
    Route("GET", "/invitation", "account", "show_invitation", public=True),
    _form("/invitation", "account", "accept_invitation", "show_invitation", public=True),
    _form("/logout", "account", "log_out", "show_account"),
    Route("GET", "/apps", "apps", "list_apps"),
    Route("GET", "/apps/new", "apps", "show_new"),
    _form("/apps/new", "apps", "create", "show_new"),
    Route("GET", _APP, "apps", "show"),
    Route("GET", "/pushes/<push>", "pushes", "show"),
    Route("GET", "/builds/<build>/log", "pushes", "show_log"),
)


class Router:
    """Finds routes."""

    def __init__(self) -> None:
        rules = [Rule(HOME + route.path, endpoint=route, methods=[route.method]) for route in ROUTES]
        self._paths = Map(rules, strict_slashes=False, merge_slashes=False).bind("slipway")

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route and the variable parts of the path; None when nothing is there."""
        try:
            found: tuple[Route, Mapping[str, str]] = self._paths.match(
                path, method="GET" if method == "HEAD" else method
            )
        except (NotFound, RequestRedirect, MethodNotAllowed):
            return None
        return found
