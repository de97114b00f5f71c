"""The table of routes, and which of them answers a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.routing import Map, RequestRedirect, Rule

from functions.common.errors import NotFound
from functions.manage_apps.access import Need
from functions.manage_apps.errors import MethodNotAllowed
from functions.manage_apps.operation import Operation

PREFIXES = ("/v1", "/api/v1")
PROJECTS = ("project", "projects")  # the first parts of paths that are served without a prefix too
APP = "app"  # the part of a path that names an app
_WITHOUT_BODY = frozenset({"GET"})


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a werkzeug rule below the prefix. `need` is checked before the handler is called.

    A route whose need is a role, but whose path has no <app>, is about a build, push, event or dead letter: its handler
    asks the call's `access` for the app of that.
    `group` names the handlers that app.py composes, `handler` the method of theirs. What the handler reads and
    answers is declared there (`operation`). `alias` is the route's own name when another one has the same handler.
    """

    method: str
    path: str
    need: Need
    group: str
    handler: str
    alias: str = ""

    @property
    def name(self) -> str:
        """The name of the operation, unique among the routes."""
        return self.alias or self.handler

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes below which the route is served."""
        return ("", *PREFIXES) if self.path.split("/")[1] in PROJECTS else PREFIXES

    @property
    def reads_body(self) -> bool:
        """Whether the request's body is read."""
        return self.method not in _WITHOUT_BODY

    def errors(self, operation: Operation) -> tuple[int, ...]:
        """Return the statuses of all errors that the route may answer."""
        found = {400, 413, 429, 500, 503, *operation.refusals}
        found |= {401, 403} if self.need is not Need.PUBLIC else set()
        found |= {404} if "<" in self.path else set()
        found |= {415, 422} if self.reads_body else set()
        return tuple(sorted(found))


_LETTER = "/dead-letters/<int(max=9223372036854775807):number>"

ROUTES = (
    Route("GET", "/openapi.json", Need.PUBLIC, "document", "show_openapi"),
    # The caller's own account.
    Route("POST", "/auth/login", Need.PUBLIC, "account", "log_in"),
    Route("GET", "/auth/forge", Need.PUBLIC, "forge_login", "show_forge"),
    Route("POST", "/auth/forge", Need.PUBLIC, "forge_login", "log_in_by_forge"),
    Route("POST", "/auth/invitation", Need.PUBLIC, "account", "accept_invitation"),
    Route("POST", "/auth/logout", Need.READ, "account", "log_out"),
    Route("PUT", "/auth/password", Need.ACCOUNT, "account", "change_password"),
    Route("GET", "/whoami", Need.READ, "account", "who_am_i"),
    Route("GET", "/tokens", Need.ACCOUNT, "tokens", "list_tokens"),
    Route("POST", "/tokens", Need.ACCOUNT, "tokens", "create_token"),
    Route("DELETE", "/tokens/<name>", Need.ACCOUNT, "tokens", "revoke_token"),
    Route("GET", "/auth/ssh-keys", Need.ACCOUNT, "ssh_keys", "list_ssh_keys"),
    Route("POST", "/auth/ssh-keys", Need.ACCOUNT, "ssh_keys", "add_ssh_key"),
    Route("DELETE", "/auth/ssh-keys/<key>", Need.ACCOUNT, "ssh_keys", "remove_ssh_key"),
    # Users, for administrators.
    Route("GET", "/users", Need.ADMINISTRATOR, "users", "list_users"),
    Route("PATCH", "/users/<email>", Need.ADMINISTRATOR, "users", "change_user"),
    Route("DELETE", "/users/<email>", Need.ADMINISTRATOR, "users", "remove_user"),
    Route("GET", "/invitations", Need.ADMINISTRATOR, "users", "list_invitations"),
    Route("POST", "/invitations", Need.ADMINISTRATOR, "users", "invite"),
    Route("DELETE", "/invitations/<email>", Need.ADMINISTRATOR, "users", "withdraw_invitation"),
    Route("GET", "/audit", Need.ADMINISTRATOR, "audit", "list_audit"),
    # Apps.
    Route("GET", "/apps", Need.READ, "apps", "list_apps"),
    Route("POST", "/apps", Need.DEPLOY, "apps", "create_app"),
    Route("GET", "/apps/<app>", Need.VIEWER, "apps", "show_app"),
    Route("DELETE", "/apps/<app>", Need.OWNER, "apps", "delete_app"),
    Route("PUT", "/apps/<app>/git", Need.DEPLOYER, "apps", "set_git_source"),
    Route("GET", "/apps/<app>/webhook", Need.OWNER, "webhooks", "show_webhook"),
    Route("POST", "/apps/<app>/webhook", Need.OWNER, "webhooks", "rotate_webhook"),
    Route("DELETE", "/apps/<app>/webhook", Need.OWNER, "webhooks", "share_webhook"),
    Route("GET", "/apps/<app>/collaborators", Need.VIEWER, "collaborators", "list_collaborators"),
    Route("PUT", "/apps/<app>/collaborators/<email>", Need.OWNER, "collaborators", "put_collaborator"),
    Route("DELETE", "/apps/<app>/collaborators/<email>", Need.OWNER, "collaborators", "remove_collaborator"),
    Route("GET", "/apps/<app>/config", Need.VIEWER, "config", "show_config"),
    Route("POST", "/config/renewal", Need.ADMINISTRATOR, "config", "renew_config"),
    Route("PATCH", "/apps/<app>/config", Need.DEPLOYER, "config", "change_config"),
    Route("GET", "/apps/<app>/domains", Need.VIEWER, "domains", "list_domains"),
    Route("PUT", "/apps/<app>/domains/<host>", Need.DEPLOYER, "domains", "add_domain"),
    Route("DELETE", "/apps/<app>/domains/<host>", Need.DEPLOYER, "domains", "remove_domain"),
    Route("GET", "/apps/<app>/environments", Need.VIEWER, "releases", "list_environments"),
    Route("GET", "/apps/<app>/releases", Need.VIEWER, "releases", "list_releases"),
    Route("POST", "/apps/<app>/rollback", Need.DEPLOYER, "releases", "roll_back"),
    Route("GET", "/apps/<app>/pushes", Need.VIEWER, "pushes", "list_pushes"),
    Route("GET", "/apps/<app>/builds", Need.VIEWER, "logs", "list_builds"),
    Route("GET", "/apps/<app>/logs", Need.VIEWER, "logs", "show_app_logs"),
    # What is done to a running app.
    Route("POST", "/apps/<app>/deploy", Need.DEPLOYER, "operations", "deploy"),
    Route("DELETE", "/apps/<app>/deploy", Need.DEPLOYER, "operations", "undeploy"),
    Route("GET", "/apps/<app>/deploy/status", Need.VIEWER, "operations", "show_deployment"),
    Route("POST", "/apps/<app>/restart", Need.DEPLOYER, "operations", "restart"),
    Route("POST", "/apps/<app>/scale", Need.DEPLOYER, "operations", "scale"),
    Route("GET", "/apps/<app>/limits", Need.VIEWER, "operations", "show_limits"),
    Route("PATCH", "/apps/<app>/limits", Need.DEPLOYER, "operations", "change_limits"),
    Route("PUT", "/apps/<app>/maintenance", Need.DEPLOYER, "operations", "switch_maintenance"),
    Route("GET", "/apps/<app>/runs", Need.VIEWER, "runs", "list_runs"),
    Route("POST", "/apps/<app>/runs", Need.DEPLOYER, "runs", "start_run"),
    Route("GET", "/apps/<app>/runs/<run>", Need.VIEWER, "runs", "show_run"),
    Route("DELETE", "/apps/<app>/runs/<run>", Need.DEPLOYER, "runs", "stop_run"),
    Route("GET", "/apps/<app>/runs/<run>/output", Need.DEPLOYER, "runs", "show_run_output"),
    Route("POST", "/apps/<app>/runs/<run>/input", Need.DEPLOYER, "runs", "write_run_input"),
    # The same as projects, in the shapes of a project API.
    Route("GET", "/project", Need.READ, "projects", "list_projects"),
    Route("POST", "/project", Need.DEPLOY, "projects", "create_project"),
    Route("GET", "/project/<app>", Need.VIEWER, "projects", "show_project"),
    Route("DELETE", "/project/<app>", Need.OWNER, "apps", "delete_app", "delete_project"),
    Route("GET", "/projects/<app>/repo", Need.VIEWER, "projects", "show_repository"),
    Route("POST", "/projects/<app>/repo", Need.OWNER, "projects", "create_repository"),
    Route("DELETE", "/projects/<app>/repo", Need.OWNER, "projects", "delete_repository"),
    Route("POST", "/projects/<app>/deploy", Need.DEPLOYER, "operations", "deploy", "deploy_project"),
    Route("DELETE", "/projects/<app>/deploy", Need.DEPLOYER, "operations", "undeploy", "undeploy_project"),
    Route("GET", "/projects/<app>/deploy/status", Need.VIEWER, "operations", "show_deployment", "show_project_status"),
    Route("POST", "/projects/<app>/deploy/restart", Need.DEPLOYER, "operations", "restart", "restart_project"),
    Route("POST", "/projects/<app>/deploy/scale", Need.DEPLOYER, "operations", "scale", "scale_project"),
    Route("GET", "/projects/<app>/deploy/logs", Need.VIEWER, "logs", "show_app_logs", "show_project_logs"),
    Route("POST", "/projects/<app>/domain", Need.DEPLOYER, "projects", "set_project_domain"),
    Route("DELETE", "/projects/<app>/domain", Need.DEPLOYER, "projects", "remove_project_domain"),
    Route("GET", "/apps/<app>/usage", Need.VIEWER, "usage", "show_usage"),
    Route("GET", "/apps/<app>/notifications", Need.VIEWER, "notifications", "list_channels"),
    Route("POST", "/apps/<app>/notifications", Need.OWNER, "notifications", "add_channel"),
    Route("DELETE", "/apps/<app>/notifications/<name>", Need.OWNER, "notifications", "remove_channel"),
    Route("POST", "/apps/<app>/notifications/<name>/test", Need.OWNER, "notifications", "test_channel"),
    # Notifications of every app, for administrators.
    Route("GET", "/notifications", Need.ADMINISTRATOR, "notifications", "list_channels", alias="list_common_channels"),
    Route("POST", "/notifications", Need.ADMINISTRATOR, "notifications", "add_channel", alias="add_common_channel"),
    Route(
        "DELETE",
        "/notifications/<name>",
        Need.ADMINISTRATOR,
        "notifications",
        "remove_channel",
        alias="remove_common_channel",
    ),
    Route(
        "POST",
        "/notifications/<name>/test",
        Need.ADMINISTRATOR,
        "notifications",
        "test_channel",
        alias="test_common_channel",
    ),
    Route("GET", "/apps/<app>/audit", Need.OWNER, "audit", "list_app_audit"),
    Route("GET", "/disk", Need.ADMINISTRATOR, "usage", "show_disk"),
    Route("GET", "/attention", Need.READ, "attention", "list_attention"),
    # What happened, found by its own name: each belongs to an app.
    Route("GET", "/builds/<build>", Need.VIEWER, "logs", "show_build"),
    Route("DELETE", "/builds/<build>", Need.DEPLOYER, "logs", "cancel_build"),
    Route("GET", "/builds/<build>/log", Need.VIEWER, "logs", "show_build_log"),
    Route("GET", "/pushes/<push>", Need.VIEWER, "pushes", "explain_push"),
    Route("GET", "/events", Need.READ, "events", "list_events"),
    Route("GET", "/events/<event>", Need.VIEWER, "events", "show_event"),
    Route("POST", "/events/<event>/replay", Need.DEPLOYER, "events", "replay_event"),
    Route("GET", "/dead-letters", Need.READ, "dead_letters", "list_dead_letters"),
    Route("GET", _LETTER, Need.VIEWER, "dead_letters", "show_dead_letter"),
    Route("POST", f"{_LETTER}/redrive", Need.DEPLOYER, "dead_letters", "redrive"),
    Route("POST", f"{_LETTER}/discard", Need.DEPLOYER, "dead_letters", "discard"),
)


class Router:
    """Finds routes; the same ones below every prefix.

    werkzeug's Map instead of a framework's router: Flask brings it, the Functions Framework owns the Flask app, and a
    second framework would double the cold start.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        rules = [
            Rule(prefix + route.path, endpoint=route, methods=[route.method])
            for route in routes
            for prefix in route.prefixes
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


@cache
def router() -> Router:
    """Return the router of ROUTES, made once: werkzeug takes half a millisecond for each rule."""
    return Router()
