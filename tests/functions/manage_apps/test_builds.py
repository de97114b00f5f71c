"""Builds, and their places in the queue: who may not see an app learns no name of its builds."""

from functions.common.adapters.local.builder import LocalBuilder
from functions.common.domain.build import BuildOrder
from tests.api_world import ApiWorld
from tests.story import SHA, Story


def ordered(api: ApiWorld, story: Story, name: str, app: str) -> None:
    """Record a build, and order it."""
    story.build(name, app=app, state="running")
    where = {"app": app, "environment": "production", "push": "push-1", "ref": "refs/heads/main", "sha": SHA}
    order = BuildOrder(name=name, clone_url="https://git.example.org/a/b", **where)
    LocalBuilder(database=api.database).start(order)


def test_builds_that_wait_have_a_position(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    for name in ("build-1", "build-2", "build-3"):
        ordered(api, story, name, "shop")
    api.database.run(
        "update platform.builds set state = 'running', lease_until = now() + interval '1 minute' where name = 'build-1'"
    )

    listed = {one["name"]: (one["state"], one["position"]) for one in api.get("/v1/apps/shop/builds")["items"]}
    third = api.get("/v1/builds/build-3")
    log = api.get("/v1/builds/build-2/log")

    assert listed == {"build-1": ("running", 0), "build-2": ("queued", 1), "build-3": ("queued", 2)}
    assert third["reason"] == "position 2 in the queue of builds, behind build-1 (running) and build-2"
    assert (log["state"], log["ended"]) == ("queued", False)
    assert log["reason"] == "position 1 in the queue of builds, behind build-1 (running)"


def test_builds_of_apps_of_others_are_counted_and_not_named(api: ApiWorld, story: Story) -> None:
    me, other = api.user("me@example.org"), api.user("other@example.org")
    api.app("mine", token=me)
    api.app("theirs", token=other)
    for name in ("their-1", "their-2"):
        ordered(api, story, name, "theirs")
    ordered(api, story, "mine-1", "mine")
    alone = api.get("/v1/builds/mine-1", token=me)["reason"]
    ordered(api, story, "mine-2", "mine")

    assert alone == "position 3 in the queue of builds, behind 2 of other apps"
    assert api.get("/v1/builds/mine-2", token=me)["reason"] == (
        "position 4 in the queue of builds, behind mine-1 and 2 more"
    )


def test_a_build_is_cancelled_once_and_says_by_whom(api: ApiWorld, story: Story) -> None:
    me = api.user("me@example.org")
    api.app("shop", token=me)
    story.build("build-0")
    ordered(api, story, "build-1", "shop")

    ended = api.call("DELETE", "/v1/builds/build-0", token=me)
    cancelled = api.call("DELETE", "/v1/builds/build-1", token=me)
    again = api.call("DELETE", "/v1/builds/build-1", token=me)

    assert (ended.status, ended.body["error"]) == (409, "the build build-0 cannot be cancelled: it has succeeded")
    assert (again.status, again.body["error"]) == (
        409,
        "the build build-1 cannot be cancelled: it is being cancelled already",
    )
    event = api.broker.events[-1]
    assert (cancelled.status, cancelled.body["event"]) == (202, event["id"])
    assert (event["type"], event["data"]["build"]) == ("dev.slipway.build.cancelled.v1", "build-1")
    assert event["data"]["reason"] == "by me@example.org"
    assert api.get("/v1/builds/build-1", token=me)["reason"] == "being cancelled by me@example.org"
    assert "build.cancel" in [row["action"] for row in api.get("/v1/apps/shop/audit", token=me)["items"]]


def test_the_pushes_of_an_app_are_listed_newest_first_by_branch_and_page(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    for number in (1, 2, 3):
        story.push(f"push-{number}", sequence=number)
        at = f"2026-01-02T03:04:0{number}Z"
        api.database.run("update pushes set received_at = :at where id = :id", at=at, id=f"push-{number}")
    api.database.run("update pushes set ref = 'refs/heads/feat/x' where id = 'push-2'")
    story.push("push-9", app="blog")

    def listed(query: str = "") -> list[str]:
        return [one["id"] for one in api.get(f"/v1/apps/shop/pushes{query}")["items"]]

    assert listed() == ["push-3", "push-2", "push-1"]
    assert listed("?branch=main") == listed("?branch=refs/heads/main") == ["push-3", "push-1"]
    assert (listed("?branch=feat/x"), listed("?branch=x")) == (["push-2"], [])
    assert api.get("/v1/apps/shop/pushes?limit=1")["next"] == "push-3"
    assert listed("?after=push-3&limit=1") == ["push-2"]
