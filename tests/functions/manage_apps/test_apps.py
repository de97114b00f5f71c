"""Apps are created, listed, shown, given another git source, and deleted."""

from typing import Any

import pytest

from functions.common.errors import Rejected, SlipwayError, Unavailable
from tests.api_world import ApiWorld
from tests.story import Story

GIT_URL = "https://git.example.org/people/shop.git"


def test_an_app_gets_a_repository_a_host_and_an_event(api: ApiWorld) -> None:
    app = api.app("shop")

    assert app["git_url"] == "http://git.example.org/slipway/shop.git"
    assert (app["url"], app["state"], app["branch"]) == ("https://shop.apps.example.org/", "new", "main")
    assert api.repositories.names == {"shop"}
    (event,) = api.broker.events
    assert (event["type"], event["source"]) == ("dev.slipway.app.created.v1", "/slipway/manage-apps")
    assert (event["slipwayapp"], event["data"]["host"]) == ("shop", "shop.apps.example.org")
    assert api.database.run("select actor, action, target from audit_log") == [["admin", "app.create", "shop"]]
    assert api.database.run("select name, branch, label from environments") == [["production", "main", "shop"]]
    assert api.database.run("select count(*) from event_outbox") == [[0]]


def test_an_app_with_a_git_url_creates_no_repository(api: ApiWorld) -> None:
    app = api.app("shop", git_url=GIT_URL, branch="release", paths=["web/**"])

    assert (app["git_url"], app["branch"], app["paths"]) == (GIT_URL, "release", ["web/**"])
    assert api.repositories.names == set()
    assert api.database.run("select git_key from projects") == [["git.example.org/people/shop"]]


ROOTS_NOT_TAKEN = ("/srv", "..", "a/../../b", "a//b", "a/.git/x", "a\\b", "$(params.sha)", "a\nb", "it's", "a" * 256)


@pytest.mark.parametrize(
    ("given", "root"), [("web", "web"), ("./services/web/", "services/web"), (".", ""), ("", ""), ("a b/ü", "a b/ü")]
)
def test_an_app_may_be_in_a_folder_of_its_repository(api: ApiWorld, given: str, root: str) -> None:
    assert api.app("shop", git_url=GIT_URL, root=given)["root"] == root
    assert api.get("/v1/apps/shop")["root"] == root


def test_the_folder_of_an_app_can_be_changed(api: ApiWorld) -> None:
    api.app("shop", git_url=GIT_URL, root="web")

    assert api.call("PUT", "/v1/apps/shop/git", {"branch": "next"}).body["root"] == "web"
    assert api.call("PUT", "/v1/apps/shop/git", {"root": "apps/api"}).body["root"] == "apps/api"
    refused = api.call("PUT", "/v1/apps/shop/git", {"root": "../x"})
    assert (refused.status, refused.body["error"].startswith("root: give a folder")) == (422, True)
    assert api.call("PUT", "/v1/apps/shop/git", {"root": "."}).body["root"] == ""
    assert api.database.run("select count(*) from audit_log where action = 'app.git'") == [[3]]


def clone_urls(app: dict[str, Any]) -> tuple[str, str]:
    return app["git_clone_http"], app["git_clone_ssh"]


def test_an_app_shows_where_its_repository_can_be_cloned_from(api: ApiWorld) -> None:
    own = ("http://git.example.org/slipway/shop.git", "ssh://git@git.example.org:2222/slipway/shop.git")
    assert clone_urls(api.app("shop")) == own
    assert clone_urls(api.app("http", git_url="https://git.example.net/a/b")) == ("https://git.example.net/a/b", "")
    assert clone_urls(api.app("scp", git_url="git@git.example.net:a/b")) == ("", "git@git.example.net:a/b")
    over_ssh = api.app("twin", git_url=own[1])
    assert (over_ssh["git_url"], clone_urls(over_ssh)) == (own[0], own)

    elsewhere = {"url": "ssh://git@git.example.net/a/b.git"}
    assert clone_urls(api.call("PUT", "/v1/apps/shop/git", elsewhere).body) == ("", elsewhere["url"])
    assert clone_urls(api.call("PUT", "/v1/apps/shop/git", {"branch": "next"}).body) == ("", elsewhere["url"])
    assert clone_urls(api.get("/v1/apps/shop")) == ("", elsewhere["url"])


def test_a_name_is_unique(api: ApiWorld) -> None:
    api.app("shop")

    again = api.call("POST", "/api/v1/apps", {"name": "shop"})

    assert (again.status, "is taken: choose another" in again.body["error"]) == (409, True)
    assert api.types() == ["app.created"]


def test_a_forge_that_is_down_leaves_no_app(api: ApiWorld) -> None:
    api.repositories.down = True

    assert api.call("POST", "/v1/apps", {"name": "shop"}).status == 503
    assert api.get("/v1/apps")["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"name": "Shop"}, 422, "Shop"),
        ({"name": "a--b"}, 422, "a--b"),
        ({"name": "shop\n"}, 422, "not usable"),
        ({"name": "shop", "paths": ["a\0"]}, 422, "'paths' holds NUL"),
        ({}, 422, "name"),
        ({"name": "shop", "colour": "red", "size": 1}, 422, "colour: unknown field; size: unknown field"),
        ({"name": "shop", "git_url": "nonsense"}, 422, "names no repository"),
        ({"name": "shop", "git_url": "https://me:secret@git.example.org/a/b"}, 422, "without a user name and password"),
        ({"name": "shop", "git_url": "me:secret@git.example.org/a/b"}, 422, "without a user name and password"),
        ({"name": "shop", "git_url": "me:secret@git.example.org:a/b"}, 422, "without a user name and password"),
        ({"name": "shop", "branch": "a..b"}, 422, "a..b"),
        *(({"name": "shop", "root": root}, 422, "root: give a folder") for root in ROOTS_NOT_TAKEN),
        ({"name": 7}, 422, "name"),
        ([], 400, "object"),
        ("{", 400, "not JSON"),
        ("[" * 200_000, 400, "not JSON"),
    ],
)
def test_errors_name_the_wrong_field(api: ApiWorld, body: object, status: int, named: str) -> None:
    answer = api.call("POST", "/v1/apps", body)

    assert answer.status == status
    assert named in answer.body["error"]
    assert "secret" not in answer.text


def test_apps_are_listed_page_by_page_and_found_by_name_and_id(api: ApiWorld) -> None:
    ids = [api.app(name)["id"] for name in ("a", "b", "c")]

    first = api.get("/v1/apps?limit=2")
    second = api.get(f"/v1/apps?limit=2&after={first['next']}")

    assert [app["name"] for app in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next"] is None
    assert api.get(f"/v1/apps/{ids[1]}") == api.get("/api/v1/apps/b")
    assert api.call("GET", "/v1/apps/nothing").status == 404


def test_the_state_is_that_of_production(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    story.push("push-1", state="failed")
    failed = api.get("/v1/apps/shop")["state"]
    story.release(1, state="live")
    live = api.get("/v1/apps/shop")
    story.push("push-2", state="building", sequence=2)

    assert (failed, live["state"], live["release"]) == ("failed", "live", 1)
    assert api.get("/v1/apps/shop")["state"] == "deploying"


def test_another_branch_feeds_production_and_its_preview_closes(api: ApiWorld) -> None:
    app = api.app("shop")
    api.database.run(
        "insert into environments (app, name, branch, label) values ('shop', 'release', 'release', 'release--shop')"
    )

    answer = api.call("PUT", f"/v1/apps/{app['id']}/git", {"url": GIT_URL, "branch": "release"})

    assert (answer.status, answer.body["branch"], answer.body["git_url"]) == (200, "release", GIT_URL)
    assert api.database.run("select name, branch, state from environments order by name") == [
        ["production", "release", "open"],
        ["release", "release", "closed"],
    ]
    assert api.types() == ["app.created", "preview.closed"]
    assert api.broker.events[1]["data"]["host"] == "release--shop.apps.example.org"


def test_what_a_git_source_leaves_out_stays(api: ApiWorld) -> None:
    api.app("shop", git_url=GIT_URL, branch="main")

    assert api.call("PUT", "/v1/apps/shop/git", {"branch": "release"}).body["git_url"] == GIT_URL
    moved = api.call("PUT", "/v1/apps/shop/git", {"url": "https://git.example.org/team/moved.git"}).body

    assert (moved["branch"], moved["git_url"]) == ("release", "https://git.example.org/team/moved.git")
    assert api.database.run("select branch from environments") == [["release"]]
    assert api.database.run("select git_key from projects") == [["git.example.org/team/moved"]]


def test_a_deleted_app_leaves_only_its_events(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    api.call("PUT", "/v1/apps/shop/domains/www.example.net")
    story.push("push-1")
    story.build("build-1")
    story.build("build-2", state="running")
    story.build("build-3", state="running", app="other")
    story.release(1, state="live")

    answer = api.call("DELETE", "/v1/apps/shop")

    assert (answer.status, answer.body["deleted"]) == (202, "shop")
    assert api.repositories.names == set()
    deleted = api.broker.events[-1]
    assert deleted["type"] == "dev.slipway.app.deleted.v1"
    assert deleted["data"]["hosts"] == ["shop.apps.example.org", "www.example.net"]
    assert deleted["data"]["environments"] == ["production"]
    assert deleted["data"]["builds"] == ["build-2"]
    for table in ("projects", "environments", "custom_domains", "releases", "pushes"):
        assert api.database.run(f"select count(*) from {table}") == [[0]], table  # noqa: S608 - names of tables
    assert api.database.run("select name from builds") == [["build-3"]]
    assert len(api.get("/v1/events?app=shop")["items"]) == 3
    assert api.call("DELETE", "/v1/apps/shop").status == 404
    assert api.app("shop")["state"] == "new"


@pytest.mark.parametrize("refusal", [None, Unavailable("the forge does not answer"), Rejected("no such user")])
def test_who_creates_an_app_may_push_at_once_where_the_forge_knows_the_user(
    api: ApiWorld, refusal: SlipwayError | None
) -> None:
    known, unknown = api.user("known@example.org"), api.user("unknown@example.org")
    api.app("first", token=known)
    api.database.run("update forge_accounts set username = 'kay' where email = 'known@example.org'")
    api.repositories.refusal = refusal

    for token, name in ((known, "mine"), (unknown, "theirs")):
        assert api.app(name, token=token)["git_url"].endswith(f"/{name}.git")
    api.app("elsewhere", git_url="https://git.example.net/a/b.git", token=known)

    assert api.repositories.admitted == ([] if refusal else [("mine", "kay")])
    # A role that was given, or may have been, is taken back when the membership ends.
    assert api.database.run("select email, repository from forge_roles") == [["known@example.org", "mine"]]
