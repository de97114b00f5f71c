"""The address of a client: a client must not choose it, whatever it writes into X-Forwarded-For."""

import pytest

from functions.common.domain.clients import client_address, network_of

FORGED = (
    "",
    "8.8.8.8",
    "10.9.9.9, 8.8.8.8",
    "8.8.8.8, 8.8.4.4, 1.1.1.1",
    "unknown",
    "\u202e",
    "[2606:4700::1]:1, x" * 9,
)


def forwarded(*entries: str) -> str:
    return ", ".join(filter(None, entries))


@pytest.mark.parametrize("written", FORGED)
@pytest.mark.parametrize(
    ("appended", "remote", "proxies", "client"),
    [
        ((), "9.8.7.6", 0, "9.8.7.6"),
        (("9.8.7.6",), "127.0.0.1", 1, "9.8.7.6"),
        (("192.168.1.5",), "127.0.0.1", 1, "192.168.1.5"),  # a client of the local network
        (("9.8.7.6", "10.0.0.1", "10.0.0.2"), "127.0.0.1", 3, "9.8.7.6"),
        (("9.8.7.6", "10.0.0.1"), "127.0.0.1", 4, "9.8.7.6"),  # Knative's activator is not always on the way
        (("192.168.1.5", "10.0.0.1", "10.0.0.2"), "127.0.0.1", 3, "192.168.1.5"),
        (("9.8.7.6:4321",), "127.0.0.1", 1, "9.8.7.6"),
        (("[::ffff:9.8.7.6]:4321", "::1"), "127.0.0.1", 2, "9.8.7.6"),
    ],
)
def test_a_client_does_not_choose_its_address(
    written: str, appended: tuple[str, ...], remote: str, proxies: int, client: str
) -> None:
    assert client_address(forwarded(written, *appended), remote, proxies=proxies) == client


def test_without_trusted_proxies_the_header_is_not_read() -> None:
    assert client_address("8.8.8.8", "127.0.0.1", proxies=0) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("2606:4700:1:2:ffff::9", "2606:4700:1:2::/64"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network
