"""Releases, rollbacks, environments and builds."""

import pytest

from tests.api_world import ApiWorld
from tests.story import Story

PATH = "/v1/apps/shop/rollback"


@pytest.fixture(autouse=True)
def _releases(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    for number, state in ((1, "retired"), (2, "retired"), (3, "failed"), (4, "live")):
        story.release(number, state=state, config='{"KEY": "hush"}')
    api.broker.events.clear()


def test_releases_are_listed_newest_first_without_config(api: ApiWorld) -> None:
    answer = api.call("GET", "/v1/apps/shop/releases?limit=3")
    rest = api.get(f"/v1/apps/shop/releases?after={answer.body['next']}")

    assert [(one["number"], one["state"]) for one in answer.body["items"]] == [
        (4, "live"),
        (3, "failed"),
        (2, "retired"),
    ]
    assert [one["number"] for one in rest["items"]] == [1]
    assert answer.body["items"][0]["processes"] == ["web"]
    assert "hush" not in answer.text


def test_a_rollback_goes_to_the_release_that_was_live_before(api: ApiWorld) -> None:
    answer = api.call("POST", PATH)

    assert (answer.status, answer.body["to"], answer.body["digest"]) == (202, 2, "sha256:2")
    (event,) = api.broker.events
    assert event["id"] == answer.body["event"]
    assert (event["type"], event["subject"]) == ("dev.slipway.rollback.requested.v1", "shop/production")
    assert (event["data"]["to"], event["data"]["actor"]) == (2, "admin")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"to": 1}, 202, ""),
        ({"to": 3}, 409, "never live"),
        ({"to": 9}, 404, "no release 9"),
        ({"to": -1}, 422, "to: "),
        ({"to": True}, 422, "to: "),
        ({"to": "1"}, 422, "to: "),
        ({"to": 2**31}, 422, "to: "),
        ({"environment": "none"}, 404, "no environment 'none'"),
        ({"too": 1}, 422, "too: unknown field"),
    ],
)
def test_a_rollback_that_cannot_run_is_refused(api: ApiWorld, body: object, status: int, text: str) -> None:
    answer = api.call("POST", PATH, body)

    assert answer.status == status
    assert text in answer.text
    assert len(api.broker.events) == (1 if status == 202 else 0)


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"KEY": "hush"}, []),
        ({"KEY": "other"}, ["KEY"]),
        ({"KEY": "hush", "NEW": "1"}, ["NEW"]),
        ({"NEW": "1"}, ["KEY", "NEW"]),
        ({"KEY": ""}, ["KEY"]),
    ],
)
def test_config_and_rollback_say_which_values_a_release_has_not(
    api: ApiWorld, changes: dict[str, str], differs: list[str]
) -> None:
    api.call("PATCH", "/v1/apps/shop/config", changes)

    listed = api.call("GET", "/v1/apps/shop/config")
    rolled_back = api.call("POST", PATH, {"to": 2})

    assert listed.body["live"] == [{"environment": "production", "release": 4, "differs": differs}]
    assert rolled_back.body["differs"] == differs
    assert api.get("/v1/apps/shop/config?scope=preview")["live"] == []
    assert "hush" not in listed.text + rolled_back.text


def test_a_key_that_a_rollback_brings_back_differs_no_more(api: ApiWorld) -> None:
    answer = api.call("POST", PATH, {"to": 2, "config": ["KEY"]})

    assert answer.body["differs"] == []


def test_the_same_idempotency_key_is_the_same_event(api: ApiWorld) -> None:
    first = api.call("POST", PATH, {"to": 1}, headers={"Idempotency-Key": "k"})
    again = api.call("POST", PATH, {"to": 1}, headers={"Idempotency-Key": "k"})
    other = api.call("POST", PATH, {"to": 2}, headers={"Idempotency-Key": "k"})

    assert first.body["event"] == again.body["event"] != other.body["event"]


def test_a_preview_with_the_name_of_its_app_is_not_production(api: ApiWorld) -> None:
    api.database.run(
        "insert into environments (app, name, branch, label) values ('shop', 'shop', 'shop', 'shop--shop')"
    )

    assert api.get("/v1/apps/shop/releases?environment=shop")["items"] == []
    assert api.call("POST", PATH, {"environment": "shop"}).status == 404
    assert api.get("/v1/apps/shop/releases?environment=shop--shop")["items"] == []
    assert len(api.get("/v1/apps/shop/releases")["items"]) == 4


def test_environments_and_builds_are_listed(api: ApiWorld, story: Story) -> None:
    for name in ("build-1", "build-2"):
        story.build(name)

    (production,) = api.get("/v1/apps/shop/environments")["items"]
    first = api.get("/v1/apps/shop/builds?limit=1")
    second = api.get(f"/v1/apps/shop/builds?limit=1&after={first['next']}")

    assert (production["name"], production["release"], production["url"]) == (
        "production", 4, "https://shop.apps.example.org/",
    )  # fmt: skip
    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["build-2", "build-1"]
    assert api.get("/v1/builds/build-1")["state"] == "succeeded"
