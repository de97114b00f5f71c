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
        ({"A": "hush" * 40000}, "value of A is too long: A=... has 160,003 bytes with the one at its end"),
        ({"LONG": "hush\u00fc" * 30000}, "value of LONG is too long: LONG=... has 180,006 bytes"),
        ({"PATH": "hush"}, "PATH is set by the platform: it leads to the programs of the app"),
        ({"HOME": "hush"}, "HOME is set by the platform: it is the folder in which the app may write"),
        ({"HOST": "hush"}, "HOST is set by the platform: it is the address at which"),
        ({}, "nothing to change"),
    ],
)
def test_unusable_keys_and_values_are_refused_without_the_value(api: ApiWorld, body: object, named: str) -> None:
    answer = api.call("PATCH", PATH, body)

    assert answer.status == 422
    assert named in answer.body["error"]
    assert "hush" not in answer.text
    assert api.get(PATH)["config"] == {}


def test_all_values_together_are_limited_and_what_is_refused_changes_nothing(api: ApiWorld) -> None:
    value = "hush" * 32_000
    for number in range(12):
        assert api.call("PATCH", PATH, {f"BIG_{number}": value}).status == 200
    api.broker.events.clear()

    refused = api.call("PATCH", PATH, {"BIG_12": value, "SMALL": "x"})

    assert refused.status == 422
    assert "all 14 variables would take 1,665," in refused.body["error"]
    assert (
        "at most 1,572,864 fit on this platform: unset some; the largest are BIG_10 (128,008 bytes), BIG_11"
        in (refused.body["error"])
    )
    assert "hush" not in refused.text
    assert (len(api.get(PATH)["config"]), api.broker.events) == (12, [])
    assert api.call("PATCH", PATH, {"BIG_0": None, "BIG_12": value}).status == 200
    assert api.call("PATCH", PATH + "?scope=preview", {"BIG_12": value}).status == 200


def test_a_name_that_the_platform_sets_can_still_be_unset(api: ApiWorld) -> None:
    """It may have been set before it was refused."""
    api.database.run("insert into config_vars (app, scope, key, value) values ('shop', 'production', 'PATH', '/x')")

    assert api.call("PATCH", PATH, {"PATH": None}).body["changed"] == ["PATH"]
