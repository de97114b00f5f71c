"""Custom domains belong to one app each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_world import ApiWorld, api_world
from tests.fakes.dns_server import Zone, dns_server

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


@pytest.fixture
def zone() -> Iterator[Zone]:
    with dns_server() as zone:
        yield zone


@pytest.fixture
def proving(database: str, tmp_path: Path, zone: Zone) -> Iterator[ApiWorld]:
    """Yield an API that asks a DNS server of this machine."""
    with api_world(database, tmp_path, SLIPWAY_RESOLVERS=zone.address) as world:
        yield world


def test_a_user_proves_a_domain_before_it_leads_to_the_app(proving: ApiWorld, zone: Zone) -> None:
    user = proving.user("mallory@example.org")
    proving.app("shop", token=user)

    claimed = proving.call("PUT", f"{PATH}/github.com", token=user)

    proof = claimed.body["proof"]
    assert (claimed.status, claimed.body["state"]) == (202, "unproved")
    assert (proof["name"], proof["type"]) == ("_slipway-challenge.github.com", "TXT")
    assert proving.call("PUT", f"{PATH}/github.com", token=user).body["proof"] == proof
    shown = proving.call("GET", PATH, token=user).body["items"]
    assert [(one["host"], one["state"]) for one in shown] == [
        ("shop.apps.example.org", "added"),
        ("github.com", "unproved"),
    ]
    assert proving.get("/v1/apps/shop")["custom_domains"] == []
    assert "domain.added" not in proving.types()

    zone.records[proof["name"]] = (proof["value"],)
    added = proving.call("PUT", f"{PATH}/github.com", token=user)
    assert (added.status, added.body["state"], added.body["proof"]) == (201, "added", None)
    assert [one["state"] for one in proving.call("GET", PATH, token=user).body["items"]] == ["added", "added"]
    assert proving.types()[-1] == "domain.added"


def test_every_way_to_a_domain_asks_for_the_proof(proving: ApiWorld) -> None:
    user = proving.user("mallory@example.org")
    proving.app("shop", token=user)

    project = proving.call("POST", "/projects/shop/domain", {"domain": "www.example.net"}, token=user)
    assert (project.status, project.body["state"]) == (202, "unproved")
    assert project.body["proof"]["value"] in project.body["instructions"]
    deploy = proving.call("POST", "/projects/shop/deploy", {"domain": "www.example.net"}, token=user)
    assert (deploy.status, "prove first that www.example.net is yours" in deploy.body["error"]) == (409, True)
    assert proving.get("/v1/apps/shop")["custom_domains"] == []


def test_a_claim_keeps_no_other_app_from_proving_the_domain(proving: ApiWorld, zone: Zone) -> None:
    squatter, owner = proving.user("mallory@example.org"), proving.user("owner@example.org")
    proving.app("squat", token=squatter)
    proving.app("shop", token=owner)
    proving.call("PUT", "/v1/apps/squat/domains/www.example.net", token=squatter)
    proof = proving.call("PUT", f"{PATH}/www.example.net", token=owner).body["proof"]
    zone.records[proof["name"]] = (proof["value"],)

    assert proving.call("PUT", "/v1/apps/squat/domains/www.example.net", token=squatter).status == 202
    assert proving.call("PUT", f"{PATH}/www.example.net", token=owner).status == 201
    assert proving.call("DELETE", "/v1/apps/squat/domains/www.example.net", token=squatter).status == 200
    assert proving.get("/v1/apps/shop")["custom_domains"] == ["www.example.net"]


def test_an_administrator_needs_no_proof(proving: ApiWorld, zone: Zone) -> None:
    proving.app("shop")
    assert proving.call("PUT", f"{PATH}/www.example.net").status == 201
    assert zone.asked == []


def test_claims_of_an_app_are_limited(proving: ApiWorld, zone: Zone) -> None:
    user = proving.user("mallory@example.org")
    proving.app("shop", token=user)
    answers = [proving.call("PUT", f"{PATH}/www{number}.example.net", token=user).status for number in range(16)]
    assert answers == [202] * 15 + [409]
    assert len(zone.asked) == 15


def test_a_resolver_that_fails_leaves_the_claim_open(proving: ApiWorld, zone: Zone) -> None:
    user = proving.user("mallory@example.org")
    proving.app("shop", token=user)
    zone.broken.add("_slipway-challenge.www.example.net")
    answer = proving.call("PUT", f"{PATH}/www.example.net", token=user)
    assert (answer.status, "SLIPWAY_RESOLVERS" in answer.body["proof"]["reason"]) == (202, True)
