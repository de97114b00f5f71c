"""Every route for every caller: who is not a member does not learn that the app exists."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from functions.common.domain.git_url import repository_key
from functions.common.events.build import BuildRequested
from functions.common.ports.accounts import Scope
from functions.manage_apps.routing import ROUTES
from tests.api_world import ApiWorld, api_world
from tests.databases import Databases
from tests.local.repositories import HOOK_SECRET
from tests.saved import Saved
from tests.story import KEY, SHA, Story

CALLERS = ("nobody", "stranger", "viewer", "deployer", "owner", "administrator")
KEY_LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me"
PUSH = "push-1"
CHANNEL = {"name": "hook", "kind": "webhook", "target": "https://hooks.example.org/1"}


class Row(NamedTuple):
    """A valid request, and the status that each of CALLERS gets."""

    path: str
    statuses: tuple[int, int, int, int, int, int]
    body: object = None


EVERYBODY = (200, 200, 200, 200, 200, 200)
USERS = (401, 200, 200, 200, 200, 200)
ADMINISTRATORS = (401, 403, 403, 403, 403, 200)
VIEWERS = (401, 404, 200, 200, 200, 200)
DEPLOYERS = (401, 404, 403, 200, 200, 200)
OWNERS = (401, 404, 403, 403, 200, 200)


def answering(status: int, statuses: tuple[int, ...]) -> tuple[int, int, int, int, int, int]:
    """Return the statuses with another one for success."""
    found = tuple(status if one == 200 else one for one in statuses)
    assert len(found) == 6
    return found


TABLE: dict[tuple[str, str], Row] = {
    ("GET", "/openapi.json"): Row("/openapi.json", EVERYBODY),
    ("POST", "/auth/login"): Row(
        "/auth/login", answering(401, EVERYBODY), {"email": "a@b.example", "password": "wrong"}
    ),
    ("GET", "/auth/forge"): Row("/auth/forge", EVERYBODY),
    ("POST", "/auth/forge"): Row("/auth/forge", answering(401, EVERYBODY), {"code": "wrong", "verifier": "w" * 43}),
    ("POST", "/auth/invitation"): Row(
        "/auth/invitation", answering(401, EVERYBODY), {"token": "wrong", "password": "long enough to try"}
    ),
    ("POST", "/auth/logout"): Row("/auth/logout", USERS),
    ("PUT", "/auth/password"): Row(
        "/auth/password", answering(401, USERS), {"current": "wrong", "new": "long enough to try"}
    ),
    ("GET", "/whoami"): Row("/whoami", USERS),
    ("GET", "/tokens"): Row("/tokens", USERS),
    ("POST", "/tokens"): Row("/tokens", answering(201, USERS), {"name": "ci"}),
    ("DELETE", "/tokens/<name>"): Row("/tokens/none", answering(404, USERS)),
    ("GET", "/auth/ssh-keys"): Row("/auth/ssh-keys", USERS),
    ("POST", "/auth/ssh-keys"): Row("/auth/ssh-keys", answering(201, USERS), {"public_key": KEY_LINE}),
    ("DELETE", "/auth/ssh-keys/<key>"): Row("/auth/ssh-keys/none", answering(404, USERS)),
    ("GET", "/users"): Row("/users", ADMINISTRATORS),
    ("PATCH", "/users/<email>"): Row("/users/viewer@example.org", ADMINISTRATORS, {"administrator": False}),
    ("DELETE", "/users/<email>"): Row("/users/spare@example.org", ADMINISTRATORS),
    ("GET", "/invitations"): Row("/invitations", ADMINISTRATORS),
    ("POST", "/invitations"): Row("/invitations", answering(201, ADMINISTRATORS), {"email": "new@example.org"}),
    ("DELETE", "/invitations/<email>"): Row("/invitations/none@example.org", answering(404, ADMINISTRATORS)),
    ("GET", "/audit"): Row("/audit", ADMINISTRATORS),
    ("GET", "/disk"): Row("/disk", ADMINISTRATORS),
    ("GET", "/attention"): Row("/attention", USERS),
    ("GET", "/apps/<app>/audit"): Row("/apps/shop/audit", OWNERS),
    ("GET", "/apps"): Row("/apps", USERS),
    ("POST", "/apps"): Row("/apps", answering(201, USERS), {"name": "another"}),
    ("GET", "/apps/<app>"): Row("/apps/shop", VIEWERS),
    ("DELETE", "/apps/<app>"): Row("/apps/shop", answering(202, OWNERS)),
    ("PUT", "/apps/<app>/git"): Row("/apps/shop/git", DEPLOYERS, {"branch": "release"}),
    ("GET", "/apps/<app>/webhook"): Row("/apps/shop/webhook", OWNERS),
    ("POST", "/apps/<app>/webhook"): Row("/apps/shop/webhook", OWNERS),
    ("DELETE", "/apps/<app>/webhook"): Row("/apps/shop/webhook", OWNERS),
    ("GET", "/apps/<app>/collaborators"): Row("/apps/shop/collaborators", VIEWERS),
    ("PUT", "/apps/<app>/collaborators/<email>"): Row(
        "/apps/shop/collaborators/spare@example.org", OWNERS, {"role": "viewer"}
    ),
    ("DELETE", "/apps/<app>/collaborators/<email>"): Row("/apps/shop/collaborators/viewer@example.org", OWNERS),
    ("POST", "/config/renewal"): Row("/config/renewal", ADMINISTRATORS),
    ("GET", "/apps/<app>/config"): Row("/apps/shop/config", VIEWERS),
    ("PATCH", "/apps/<app>/config"): Row("/apps/shop/config", DEPLOYERS, {"KEY": "value"}),
    ("GET", "/apps/<app>/domains"): Row("/apps/shop/domains", VIEWERS),
    ("PUT", "/apps/<app>/domains/<host>"): Row("/apps/shop/domains/www.example.net", answering(201, DEPLOYERS)),
    ("DELETE", "/apps/<app>/domains/<host>"): Row("/apps/shop/domains/old.example.net", DEPLOYERS),
    ("GET", "/apps/<app>/environments"): Row("/apps/shop/environments", VIEWERS),
    ("GET", "/apps/<app>/releases"): Row("/apps/shop/releases", VIEWERS),
    ("POST", "/apps/<app>/rollback"): Row("/apps/shop/rollback", answering(202, DEPLOYERS)),
    ("GET", "/apps/<app>/pushes"): Row("/apps/shop/pushes", VIEWERS),
    ("GET", "/apps/<app>/builds"): Row("/apps/shop/builds", VIEWERS),
    ("GET", "/apps/<app>/logs"): Row("/apps/shop/logs", VIEWERS),
    ("POST", "/apps/<app>/deploy"): Row("/apps/shop/deploy", answering(202, DEPLOYERS)),
    ("DELETE", "/apps/<app>/deploy"): Row("/apps/shop/deploy", answering(202, DEPLOYERS)),
    ("GET", "/apps/<app>/deploy/status"): Row("/apps/shop/deploy/status", VIEWERS),
    ("POST", "/apps/<app>/restart"): Row("/apps/shop/restart", answering(202, DEPLOYERS)),
    ("POST", "/apps/<app>/scale"): Row("/apps/shop/scale", answering(202, DEPLOYERS), {"replicas": 3}),
    ("GET", "/apps/<app>/limits"): Row("/apps/shop/limits", VIEWERS),
    ("PATCH", "/apps/<app>/limits"): Row("/apps/shop/limits", DEPLOYERS, {"memory": "256Mi"}),
    ("PUT", "/apps/<app>/maintenance"): Row("/apps/shop/maintenance", DEPLOYERS, {"on": True}),
    ("GET", "/apps/<app>/runs"): Row("/apps/shop/runs", VIEWERS),
    ("POST", "/apps/<app>/runs"): Row("/apps/shop/runs", answering(201, DEPLOYERS), {"command": ["env"]}),
    ("GET", "/apps/<app>/runs/<run>"): Row("/apps/shop/runs/RUN", VIEWERS),
    ("DELETE", "/apps/<app>/runs/<run>"): Row("/apps/shop/runs/RUN", answering(202, DEPLOYERS)),
    ("GET", "/apps/<app>/runs/<run>/output"): Row("/apps/shop/runs/RUN/output", DEPLOYERS),
    ("POST", "/apps/<app>/runs/<run>/input"): Row("/apps/shop/runs/RUN/input", DEPLOYERS, {"data": ""}),
    ("POST", "/projects/<app>/deploy"): Row("/projects/shop/deploy", answering(202, DEPLOYERS)),
    ("DELETE", "/projects/<app>/deploy"): Row("/projects/shop/deploy", answering(202, DEPLOYERS)),
    ("GET", "/projects/<app>/deploy/status"): Row("/projects/shop/deploy/status", VIEWERS),
    ("POST", "/projects/<app>/deploy/restart"): Row("/projects/shop/deploy/restart", answering(202, DEPLOYERS)),
    ("POST", "/projects/<app>/deploy/scale"): Row(
        "/projects/shop/deploy/scale", answering(202, DEPLOYERS), {"replicas": 3}
    ),
    ("GET", "/project"): Row("/project", USERS),
    ("POST", "/project"): Row("/project", answering(201, USERS), {"name": "another"}),
    ("GET", "/project/<app>"): Row("/project/shop", VIEWERS),
    ("DELETE", "/project/<app>"): Row("/project/shop", answering(202, OWNERS)),
    ("GET", "/projects/<app>/repo"): Row("/projects/shop/repo", VIEWERS),
    ("POST", "/projects/<app>/repo"): Row("/projects/shop/repo", OWNERS),
    ("DELETE", "/projects/<app>/repo"): Row("/projects/shop/repo", OWNERS),
    ("GET", "/projects/<app>/deploy/logs"): Row("/projects/shop/deploy/logs", VIEWERS),
    ("POST", "/projects/<app>/domain"): Row(
        "/projects/shop/domain", answering(201, DEPLOYERS), {"domain": "www.example.net"}
    ),
    ("DELETE", "/projects/<app>/domain"): Row("/projects/shop/domain", DEPLOYERS),
    ("GET", "/apps/<app>/usage"): Row("/apps/shop/usage", VIEWERS),
    ("GET", "/apps/<app>/notifications"): Row("/apps/shop/notifications", VIEWERS),
    ("POST", "/apps/<app>/notifications"): Row("/apps/shop/notifications", answering(201, OWNERS), CHANNEL),
    ("DELETE", "/apps/<app>/notifications/<name>"): Row("/apps/shop/notifications/chat", OWNERS),
    ("POST", "/apps/<app>/notifications/<name>/test"): Row(
        "/apps/shop/notifications/chat/test", answering(202, OWNERS)
    ),
    ("GET", "/notifications"): Row("/notifications", ADMINISTRATORS),
    ("POST", "/notifications"): Row("/notifications", answering(201, ADMINISTRATORS), CHANNEL),
    ("DELETE", "/notifications/<name>"): Row("/notifications/none", answering(404, ADMINISTRATORS)),
    ("POST", "/notifications/<name>/test"): Row("/notifications/none/test", answering(404, ADMINISTRATORS)),
    ("GET", "/builds/<build>"): Row("/builds/build-1", VIEWERS),
    ("DELETE", "/builds/<build>"): Row("/builds/build-2", answering(202, DEPLOYERS)),
    ("GET", "/builds/<build>/log"): Row("/builds/build-1/log", VIEWERS),
    ("GET", "/pushes/<push>"): Row(f"/pushes/{SHA}", VIEWERS),
    ("GET", "/events"): Row("/events", USERS),
    ("GET", "/events/<event>"): Row("/events/EVENT", VIEWERS),
    ("POST", "/events/<event>/replay"): Row("/events/EVENT/replay", answering(202, DEPLOYERS)),
    ("GET", "/dead-letters"): Row("/dead-letters", USERS),
    ("GET", "/dead-letters/<number>"): Row("/dead-letters/LETTER", VIEWERS),
    ("POST", "/dead-letters/<number>/redrive"): Row("/dead-letters/LETTER/redrive", answering(202, DEPLOYERS)),
    ("POST", "/dead-letters/<number>/discard"): Row("/dead-letters/LETTER/discard", DEPLOYERS),
}


class Shop(NamedTuple):
    """An app with everything that a route may be about."""

    tokens: dict[str, str]
    event: str
    letter: int
    run: str

    def path(self, row: Row) -> str:
        """Return the row's path with this shop's event and dead letter."""
        return "/v1" + row.path.replace("EVENT", self.event).replace("LETTER", str(self.letter)).replace(
            "RUN", self.run
        )


def shop(api: ApiWorld, story: Story) -> Shop:
    """Create the users and the app."""
    emails = {name: f"{name}@example.org" for name in (*CALLERS[1:], "spare")}
    tokens = {name: api.user(email, administrator=name == "administrator") for name, email in emails.items()}
    api.app("shop", token=tokens["owner"])
    api.call("PUT", "/v1/apps/shop/domains/old.example.net", token=tokens["owner"])
    api.call("POST", "/v1/apps/shop/notifications", {**CHANNEL, "name": "chat"}, token=tokens["owner"])
    for name in ("viewer", "deployer"):
        api.call("PUT", f"/v1/apps/shop/collaborators/{emails[name]}", {"role": name}, token=tokens["owner"])
    api.heads.branches[repository_key(api.get("/v1/apps/shop", token=tokens["owner"])["git_url"])] = {"main": "c" * 40}
    story.delivery("d-1", event_id=PUSH)
    story.push(PUSH)
    story.build("build-1")
    story.build("build-2", state="running")
    for number, state in ((1, "retired"), (2, "live")):
        story.release(number, state=state)
    about: dict[str, Any] = {"app": "shop", "environment": "production", "push": PUSH}
    event = story.event(BuildRequested(**about, repository=KEY, clone_url="", ref="r", sha=SHA, sequence=1))
    command = {"command": ["env"], "interactive": True}
    run = api.call("POST", "/v1/apps/shop/runs", command, token=tokens["owner"]).body["id"]
    return Shop(tokens=tokens, event=event.id, letter=story.dead_letter(event), run=run)


class Shops(NamedTuple):
    """An API with an empty database, and the same with a shop."""

    api: ApiWorld
    made: Shop
    empty: Saved
    full: Saved


@pytest.fixture(scope="module")
def shops(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """Yield an API that takes domains without a proof: the table is about callers."""
    folder = tmp_path_factory.mktemp("home")
    with databases.one() as url, api_world(url, folder, SLIPWAY_DOMAIN_PROOF="none") as world:
        empty = Saved(world.database)
        made = shop(world, Story(database=world.database))
        yield Shops(world, made, empty, Saved(world.database))
        world.database.close()


@pytest.fixture
def api(shops: Shops) -> ApiWorld:
    shops.empty.restore()
    return shops.api


@pytest.fixture
def build(api: ApiWorld, shops: Shops) -> Callable[[], Shop]:
    def built() -> Shop:
        shops.full.restore()
        api.repositories.names = {"shop"}
        return shops.made

    return built


def test_every_route_has_a_row() -> None:
    declared = {
        (route.method, route.path.replace("<int(max=9223372036854775807):number>", "<number>")) for route in ROUTES
    }

    assert declared == TABLE.keys()


COUNTED = {("POST", "/auth/login"), ("POST", "/auth/invitation")}  # attempts, also those that are refused


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_each_caller_gets_the_status_of_the_table(
    api: ApiWorld, build: Callable[[], Shop], key: tuple[str, str]
) -> None:
    row, found, made = TABLE[key], list[int](), build()
    for caller in CALLERS:
        if found and (key in COUNTED or (key[0] != "GET" and found[-1] < 300)):  # the request before changed something
            made = build()
        token = made.tokens.get(caller, "")
        found.append(api.call(key[0], made.path(row), row.body, scope=None, token=token).status)

    assert dict(zip(CALLERS, found, strict=True)) == dict(zip(CALLERS, row.statuses, strict=True))


ABOUT_THE_APP = [key for key, row in TABLE.items() if row.statuses[1] == 404 and row.statuses[2] != 404]


@pytest.mark.parametrize("key", ABOUT_THE_APP, ids=" ".join)
def test_a_strangers_answer_is_that_for_what_does_not_exist(
    api: ApiWorld, build: Callable[[], Shop], key: tuple[str, str]
) -> None:
    row, made = TABLE[key], build()
    stranger = made.tokens["stranger"]
    names = {
        "/apps/shop": "/apps/none",
        "/project/shop": "/project/none",
        "/projects/shop": "/projects/none",
        "build-1": "none",
        "build-2": "none",
        SHA: "b" * 40,
        "EVENT": "none",
        "LETTER": "999999",
    }
    path = "/v1" + row.path
    for name, other in names.items():
        path = path.replace(name, other)
    hidden = api.call(key[0], made.path(row), row.body, token=stranger)
    missing = api.call(key[0], path, row.body, token=stranger)

    def without(names: tuple[str, ...], text: str) -> str:
        return re.sub("|".join(rf"'{name}'|\b{name}\b" for name in names), "IT", text)

    assert (hidden.status, missing.status) == (404, 404)
    real = ("shop", "build-1", "build-2", SHA, made.event, str(made.letter), made.run)
    assert without(real, hidden.text) == without(("none", "b" * 40, "999999"), missing.text)


def test_lists_show_what_the_caller_may_see(api: ApiWorld, build: Callable[[], Shop]) -> None:
    made = build()
    api.app("other", token=made.tokens["stranger"])

    def seen(name: str) -> tuple[list[str], set[str], int]:
        token = made.tokens[name]
        apps = [app["name"] for app in api.get("/v1/apps", token=token)["items"]]
        subjects = {event["subject"].partition("/")[0] for event in api.get("/v1/events", token=token)["items"]}
        newest = {
            event["subject"].partition("/")[0] for event in api.get("/v1/events?newest=true", token=token)["items"]
        }
        assert subjects == newest
        return apps, subjects, len(api.get("/v1/dead-letters?state=all", token=token)["items"])

    assert seen("stranger") == (["other"], {"other"}, 0)
    assert seen("viewer") == (["shop"], {"shop"}, 1)
    assert seen("administrator") == (["other", "shop"], {"other", "shop"}, 1)
    assert api.get("/v1/events?app=shop", token=made.tokens["stranger"])["items"] == []
    assert api.get(f"/v1/events?push={PUSH}", token=made.tokens["stranger"])["items"] == []


def test_an_app_with_the_name_of_a_deleted_one_does_not_show_its_past(api: ApiWorld, build: Callable[[], Shop]) -> None:
    made = build()
    api.call("DELETE", "/v1/apps/shop", token=made.tokens["owner"])
    api.app("shop", token=made.tokens["stranger"])
    stranger = made.tokens["stranger"]

    assert [event["type"] for event in api.get("/v1/events", token=stranger)["items"]] == ["dev.slipway.app.created.v1"]
    assert api.get("/v1/dead-letters?state=all", token=stranger)["items"] == []
    for path in (f"/v1/events/{made.event}", f"/v1/dead-letters/{made.letter}", f"/v1/pushes/{SHA}"):
        assert api.call("GET", path, token=stranger).status == 404, path


def test_a_scope_narrows_what_a_token_may_do(api: ApiWorld, build: Callable[[], Shop]) -> None:
    made = build()
    tokens = {scope: token(api, made, scope.value, scope=scope) for scope in Scope}

    def statuses(method: str, path: str, body: object = None) -> list[int]:
        return [api.call(method, path, body, token=tokens[scope]).status for scope in Scope]

    assert statuses("GET", "/v1/apps/shop") == [200, 200, 200]
    assert statuses("PATCH", "/v1/apps/shop/config", {"A": "b"}) == [403, 200, 200]
    assert statuses("POST", "/v1/tokens", {"name": "more"}) == [403, 403, 201]
    assert statuses("GET", "/v1/apps/shop/config?reveal=true") == [403, 403, 200]
    assert statuses("DELETE", "/v1/apps/shop") == [403, 403, 202]


def test_a_token_for_one_app_sees_no_other(api: ApiWorld, build: Callable[[], Shop]) -> None:
    made = build()
    api.app("second", token=made.tokens["owner"])
    only = token(api, made, "only", scope=Scope.ADMIN, app="second")

    assert [app["name"] for app in api.get("/v1/apps", token=only)["items"]] == ["second"]
    assert api.call("GET", "/v1/apps/shop", token=only).status == 404
    assert api.call("GET", f"/v1/events/{made.event}", token=only).status == 404
    assert {event["subject"] for event in api.get("/v1/events", token=only)["items"]} == {"second/production"}
    assert api.call("POST", "/v1/apps", {"name": "third"}, token=only).status == 403
    assert api.call("POST", "/v1/tokens", {"name": "wider"}, token=only).status == 403
    assert api.call("PATCH", "/v1/apps/second/config", {"A": "b"}, token=only).status == 200


def test_a_repository_of_another_users_app_is_refused(api: ApiWorld, build: Callable[[], Shop]) -> None:
    made = build()
    url = api.get("/v1/apps/shop", token=made.tokens["owner"])["git_url"]
    api.app("other", token=made.tokens["stranger"])

    for method, path, body in (
        ("POST", "/v1/apps", {"name": "thief", "git_url": url}),
        ("PUT", "/v1/apps/other/git", {"url": url}),
    ):
        answer = api.call(method, path, body, token=made.tokens["stranger"])
        assert (answer.status, "another user" in answer.body["error"]) == (409, True)
    assert api.call("POST", "/v1/apps", {"name": "twin", "git_url": url}, token=made.tokens["deployer"]).status == 201


@pytest.mark.parametrize(
    "url",
    [
        "git@git.example.org:slipway/shop.git",
        "ssh://git.example.org/Slipway/shop",
        "https://GIT.example.org/slipway/Shop",
    ],
)
def test_no_app_waits_for_the_pushes_of_an_app_that_is_created_later(api: ApiWorld, url: str) -> None:
    thief, owner = (api.user(f"{name}@example.org") for name in ("thief", "owner"))
    known = api.repositories.base_url
    api.repositories.base_url = api.repositories.ssh_url = "http://forge.internal/slipway"  # as the platform calls it
    api.app("thief", token=thief, git_url=url)
    api.repositories.base_url = known
    refused = api.call("POST", "/v1/apps", {"name": "shop"}, token=owner)

    assert (refused.status, "another user" in refused.body["error"]) == (409, True)
    assert api.call("POST", "/v1/apps", {"name": "shop"}, token=thief).status == 201


def test_a_repository_of_another_users_app_is_refused_in_any_case(api: ApiWorld, build: Callable[[], Shop]) -> None:
    """Forges take Team/Shop for team/shop."""
    made = build()
    api.app("web", token=made.tokens["owner"], git_url="https://git.example.net/team/web.git")
    body = {"name": "thief", "git_url": "https://git.example.net/Team/Web"}

    assert api.call("POST", "/v1/apps", body, token=made.tokens["stranger"]).status == 409
    assert api.call("POST", "/v1/apps", {**body, "name": "twin"}, token=made.tokens["owner"]).status == 201


def test_a_repository_stays_that_of_its_app_when_the_app_deploys_from_elsewhere(
    api: ApiWorld, build: Callable[[], Shop]
) -> None:
    made = build()
    url = api.app("moved", token=made.tokens["owner"])["git_url"]
    elsewhere = {"url": "https://git.example.net/team/moved.git"}
    assert api.call("PUT", "/v1/apps/moved/git", elsewhere, token=made.tokens["owner"]).status == 200

    for found in (url, url.removesuffix(".git"), url.replace("//git", "//GIT")):
        body = {"name": "thief", "git_url": found}
        assert api.call("POST", "/v1/apps", body, token=made.tokens["stranger"]).status == 409, found
    assert api.call("POST", "/v1/apps", {"name": "twin", "git_url": url}, token=made.tokens["owner"]).status == 201


def test_a_repository_of_the_platform_without_an_app_is_for_administrators(
    api: ApiWorld, build: Callable[[], Shop]
) -> None:
    made = build()
    url = api.repositories.create("stray", webhook_secret=HOOK_SECRET)
    for found, status in ((url, 409), (url.replace("stray", "./stray"), 422)):
        body = {"name": "thief", "git_url": found}
        assert api.call("POST", "/v1/apps", body, token=made.tokens["owner"]).status == status, found
    body = {"name": "found", "git_url": url}
    assert api.call("POST", "/v1/apps", body, token=made.tokens["administrator"]).status == 201


def token(api: ApiWorld, made: Shop, name: str, **fields: object) -> str:
    """Create a token of the owner."""
    answer = api.call("POST", "/v1/tokens", {"name": name, **fields}, token=made.tokens["owner"])
    assert answer.status == 201, answer
    return str(answer.body["token"])
