"""Config is set, masked, shown to owners only, and published by key."""

import pytest

from functions.common.ports.accounts import Scope
from tests.api_world import ApiWorld

PATH = "/v1/apps/shop/config"


@pytest.fixture(autouse=True)
def _shop(api: ApiWorld) -> None:
    api.app("shop")
    api.broker.events.clear()


def test_values_are_stored_and_masked_and_only_keys_are_published(api: ApiWorld) -> None:
    answer = api.call("PATCH", PATH, {"B": "two", "A": "one"}, scope=Scope.DEPLOY)

    assert (answer.status, answer.body["changed"]) == (200, ["A", "B"])
    assert api.get(PATH, scope=Scope.READ)["config"] == {"A": "********", "B": "********"}
    assert api.get(PATH + "?reveal=true")["config"] == {"A": "one", "B": "two"}
    (event,) = api.broker.events
    assert (event["type"], event["slipwayenv"]) == ("dev.slipway.config.changed.v1", "production")
    assert event["data"] == {
        "app": "shop", "environment": "production", "push": "", "keys": ["A", "B"], "actor": "deploy",
    }  # fmt: skip
    assert event["id"] == answer.body["events"][0]
    acts = api.database.run("select actor, action, detail from audit_log where action like 'config.%'")
    assert acts == [["deploy", "config.set", "A, B"], ["admin", "config.reveal", "production"]]


def test_a_change_without_effect_publishes_no_event(api: ApiWorld) -> None:
    api.call("PATCH", PATH, {"A": "one"})
    again = api.call("PATCH", PATH, {"A": "one", "C": None})
    unset = api.call("PATCH", PATH, {"A": None})

    assert (again.body["changed"], again.body["events"]) == ([], [])
    assert unset.body["changed"] == ["A"]
    assert api.types() == ["config.changed", "config.changed"]


def test_previews_have_their_own_config(api: ApiWorld) -> None:
    api.call("PATCH", PATH + "?scope=preview", {"A": "one"})

    assert api.get(PATH)["config"] == {}
    assert api.get(PATH + "?scope=preview")["config"] == {"A": "********"}
    assert api.broker.events[0]["slipwayenv"] == "preview"
    assert api.call("PATCH", PATH + "?scope=all", {"A": "one"}).status == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"PORT": "1"}, "PORT is set by the platform"),
        ({"SLIPWAY_X": "1"}, "SLIPWAY_X is set by the platform"),
        ({"1A": "hush"}, "1A"),
        ({"A-B": "hush"}, "A-B"),
        ({"A": 7}, "value of A must be a string"),
        ({"A": "hush\0"}, "'A' holds NUL"),
        ({"A": "hush\ud800"}, "half a surrogate pair"),
        ({"A\n": "hush"}, "letters, digits and _"),
        ({"A": "hush" * 20000}, "at most"),
        ({}, "nothing to change"),
    ],
)
def test_unusable_keys_and_values_are_refused_without_the_value(api: ApiWorld, body: object, named: str) -> None:
    answer = api.call("PATCH", PATH, body)

    assert answer.status == 422
    assert named in answer.body["error"]
    assert "hush" not in answer.text
    assert api.get(PATH)["config"] == {}
