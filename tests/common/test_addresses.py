"""Where apps answer: the same URL from every function."""

import pytest

from functions.common.domain.addresses import Addresses
from functions.common.settings import Settings


@pytest.mark.parametrize(
    ("port", "url"), [(443, "https://x.apps.example.org/"), (8443, "https://x.apps.example.org:8443/")]
)
def test_only_an_unusual_port_is_in_the_url(port: int, url: str) -> None:
    addresses = Addresses(domain="apps.example.org", port=port)

    assert addresses.url(addresses.host("x")) == url


@pytest.mark.parametrize("given", ["", "443"])
def test_the_usual_port_may_be_given_or_left_out(given: str) -> None:
    apps = Settings(environment={"DEFAULT_DOMAIN": "example.org", "SLIPWAY_APPS_PORT": given}).apps

    assert Addresses(domain=apps.domain, port=apps.port).url("www.example.com") == "https://www.example.com/"
