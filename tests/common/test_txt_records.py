"""TXT records as a DNS server of this machine has them."""

from collections.abc import Iterator

import pytest

from functions.common.adapters.dns.txt_records import DnsTxtRecords
from functions.common.errors import Unavailable
from functions.common.ports.domains import DomainClaim, proves
from tests.fakes.dns_server import Zone, dns_server

CLAIM = DomainClaim(app="shop", host="shop.example.net", value="slipway-verification=1")


@pytest.fixture
def zone() -> Iterator[Zone]:
    with dns_server() as zone:
        yield zone


def test_all_values_of_a_name_are_read_long_ones_in_one_piece(zone: Zone) -> None:
    zone.records["a.example.net"] = ("one", "x" * 300, "with spaces ; and = signs")
    values = DnsTxtRecords(servers=[zone.address]).values("a.example.net")
    assert sorted(values) == sorted(("one", "x" * 300, "with spaces ; and = signs"))


@pytest.mark.parametrize("records", [{}, {CLAIM.name: ()}])
def test_a_name_without_a_record_proves_nothing(zone: Zone, records: dict[str, tuple[str, ...]]) -> None:
    zone.records |= records
    assert proves(DnsTxtRecords(servers=[zone.address]), CLAIM) == f"there is no TXT record {CLAIM.name} yet"


@pytest.mark.parametrize("value", ["slipway-verification=2", "slipway-verification=1 ", "Slipway-Verification=1"])
def test_another_value_proves_nothing(zone: Zone, value: str) -> None:
    zone.records[CLAIM.name] = (value,)
    assert "another value" in proves(DnsTxtRecords(servers=[zone.address]), CLAIM)


def test_the_value_proves_the_claim_beside_others(zone: Zone) -> None:
    zone.records[CLAIM.name] = ("of another service", CLAIM.value)
    assert not proves(DnsTxtRecords(servers=[zone.address]), CLAIM)


def test_a_server_that_fails_is_unavailable(zone: Zone) -> None:
    zone.broken.add("b.example.net")
    with pytest.raises(Unavailable, match="SLIPWAY_RESOLVERS"):
        DnsTxtRecords(servers=[zone.address]).values("b.example.net")
