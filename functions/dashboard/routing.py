"""The pages and the forms of the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

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
_LETTER = "/dead-letters/<int(max=9223372036854775807):number>"
ROUTES = (
    Route("GET", "", "apps", "home"),
    Route("GET", "/login", "account", "show_login", public=True),
    _form("/login", "account", "log_in", "show_login", public=True),
    Route("GET", "/api", "reference", "list_operations", public=True),
    Route("GET", "/api/<operation>", "reference", "show_operation", public=True),
    Route("GET", "/login/forge", "forge_login", "begin", public=True),
    Route("GET", "/login/callback", "forge_login", "finish", public=True),
    Route("GET", "/invitation", "account", "show_invitation", public=True),
    _form("/invitation", "account", "accept_invitation", "show_invitation", public=True),
    _form("/logout", "account", "log_out", "show"),
    # The visitor's own account.
    Route("GET", "/account", "account", "show"),
    _form("/account/password", "account", "change_password", "show"),
    _form("/account/ssh-keys", "account", "add_ssh_key", "show"),
    _form("/account/ssh-keys/remove", "account", "remove_ssh_key", "show"),
    _form("/account/tokens", "account", "create_token", "show"),
    _form("/account/tokens/revoke", "account", "revoke_token", "show"),
    # Apps.
    Route("GET", "/apps", "apps", "list_apps"),
    Route("GET", "/apps/new", "apps", "show_new"),
    _form("/apps/new", "apps", "create", "show_new"),
    Route("GET", _APP, "apps", "show"),
    _form(f"{_APP}/rollback", "apps", "roll_back", "show"),
    _form(f"{_APP}/deploy", "apps", "deploy", "show"),
    _form(f"{_APP}/restart", "apps", "restart", "show"),
    _form(f"{_APP}/scale", "apps", "scale", "show"),
    _form(f"{_APP}/config", "apps", "set_config", "show"),
    _form(f"{_APP}/config/remove", "apps", "unset_config", "show"),
    _form(f"{_APP}/domains", "apps", "add_domain", "show"),
    _form(f"{_APP}/domains/remove", "apps", "remove_domain", "show"),
    Route("GET", f"{_APP}/previews", "apps", "show_previews"),
    Route("GET", f"{_APP}/settings", "settings", "show"),
    _form(f"{_APP}/settings/git", "settings", "set_git_source", "show"),
    _form(f"{_APP}/settings/collaborators", "settings", "put_collaborator", "show"),
    _form(f"{_APP}/settings/collaborators/remove", "settings", "remove_collaborator", "show"),
    _form(f"{_APP}/settings/limits", "settings", "change_limits", "show"),
    _form(f"{_APP}/settings/undeploy", "settings", "undeploy", "show"),
    _form(f"{_APP}/settings/delete", "settings", "delete", "show"),
    Route("GET", f"{_APP}/audit", "overview", "show_app_audit"),
    # What happened.
    Route("GET", "/attention", "overview", "show_attention"),
    Route("GET", "/pushes/<push>", "pushes", "show"),
    Route("GET", "/builds/<build>/log", "pushes", "show_log"),
    Route("GET", "/dead-letters", "dead_letters", "list_letters"),
    Route("GET", _LETTER, "dead_letters", "show"),
    _form(f"{_LETTER}/redrive", "dead_letters", "redrive", "show"),
    _form(f"{_LETTER}/discard", "dead_letters", "discard", "show"),
    # For administrators.
    Route("GET", "/audit", "overview", "show_audit"),
    Route("GET", "/users", "users", "show"),
    _form("/users/invite", "users", "invite", "show"),
    _form("/users/withdraw", "users", "withdraw", "show"),
    _form("/users/change", "users", "change", "show"),
    _form("/users/remove", "users", "remove", "show"),
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


@cache
def router() -> Router:
    """Return the router, made once: werkzeug takes half a millisecond for each rule."""
    return Router()
