"""Custom domains belong to one app each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_world import ApiWorld, api_world

PATH = "/v1/apps/shop/domains"


def test_a_domain_is_added_once_and_removed(api: ApiWorld) -> None:
    api.app("shop")

    assert api.call("PUT", f"{PATH}/WWW.Example.net").status == 201
    assert api.call("PUT", f"{PATH}/www.example.net").status == 200
    assert [item["host"] for item in api.get(PATH)["items"]] == ["shop.apps.example.org", "www.example.net"]
    assert api.call("DELETE", f"{PATH}/www.Example.net.").status == 200
    assert api.call("DELETE", f"{PATH}/www.example.net").status == 404
    assert api.types() == ["app.created", "domain.added", "domain.removed"]
    assert [event["data"].get("host") for event in api.broker.events[1:]] == ["www.example.net"] * 2


def test_the_domain_of_another_app_is_refused(api: ApiWorld) -> None:
    api.app("shop")
    api.app("other")
    api.call("PUT", "/v1/apps/other/domains/www.example.net")

    answer = api.call("PUT", f"{PATH}/www.example.net")

    assert (answer.status, "belongs to another app" in answer.body["error"]) == (409, True)
    assert api.call("DELETE", f"{PATH}/www.example.net").status == 404


def test_more_domains_than_a_route_takes_are_refused(api: ApiWorld) -> None:
    api.app("shop")
    answers = [api.call("PUT", f"{PATH}/www{number}.example.net") for number in range(16)]

    assert [answer.status for answer in answers] == [201] * 15 + [409]
    assert "15 custom domains" in answers[-1].body["error"]
    assert api.call("PUT", f"{PATH}/www0.example.net").status == 200


@pytest.mark.parametrize(
    "host",
    ["nodots", "-a.example.net", "other.apps.example.org", "apps.example.org", "a_b.net", "1.2.3.4"],
)
def test_a_host_that_cannot_be_a_custom_domain_is_refused(api: ApiWorld, host: str) -> None:
    api.app("shop")

    assert api.call("PUT", f"{PATH}/{host}").status == 422


@pytest.fixture
def beside(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    """Yield an API that answers below the domain of the apps, with a forge beside it."""
    settings = {"SLIPWAY_GATEWAY_URL": "https://Slipway.apps.example.org/", "GITEA_URL": "https://git.example.org"}
    with api_world(database, tmp_path, **settings, GITEA_TOKEN="t", GITEA_DEFAULT_ORG="team") as world:
        yield world


def test_no_app_answers_at_a_host_of_the_platform(beside: ApiWorld) -> None:
    """It would get the visitors of the dashboard, and run scripts in its pages' origin."""
    user = beside.user("mallory@example.org")
    for path in ("/v1/apps", "/project"):
        refused = beside.call("POST", path, {"name": "slipway"}, token=user)
        assert (refused.status, "is the platform's own host" in refused.body["error"]) == (422, True)

    beside.app("shop", token=user)
    for host in ("GIT.example.org", "git.example.org."):
        refused = beside.call("PUT", f"{PATH}/{host}", token=user)
        assert (refused.status, "is the platform's own host" in refused.body["error"]) == (422, True)
    assert beside.call("POST", "/projects/shop/domain", {"domain": "git.example.org"}, token=user).status == 422
    assert beside.call("POST", "/projects/shop/deploy", {"domain": "git.example.org"}, token=user).status == 422
