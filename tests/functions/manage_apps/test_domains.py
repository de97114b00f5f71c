"""Custom domains belong to one app each."""

import pytest

from tests.api_world import ApiWorld

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
