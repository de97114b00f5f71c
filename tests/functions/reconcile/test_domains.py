"""A claimed domain is added at the tick that finds its record in the DNS."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.common.adapters.dns.txt_records import DnsTxtRecords
from functions.common.adapters.postgres.domains import PostgresDomainClaims, PostgresDomains
from functions.common.adapters.postgres.events import PostgresChanges
from functions.common.events.app import DomainAdded
from functions.reconcile.domains import ProvenDomains
from tests.fakes.dns_server import Zone, dns_server
from tests.world import World, caused_by

HOST = "www.example.net"


@pytest.fixture
def zone() -> Iterator[Zone]:
    with dns_server() as zone:
        yield zone


@pytest.fixture
def claims(world: World) -> PostgresDomainClaims:
    return PostgresDomainClaims(database=world.database)


@pytest.fixture
def step(world: World, zone: Zone, claims: PostgresDomainClaims) -> ProvenDomains:
    changes = PostgresChanges(database=world.database, log=world.log, sink=world.sink, clock=world.clock)
    domains = PostgresDomains(database=world.database)
    return ProvenDomains(claims=claims, domains=domains, records=DnsTxtRecords(servers=[zone.address]), changes=changes)


def tick(step: ProvenDomains) -> None:
    with caused_by("tick"):
        step()


def claim(world: World, claims: PostgresDomainClaims, app: str = "hello", host: str = HOST) -> str:
    """Claim a host, an hour ago; return the value that proves it."""
    value = claims.open(app, host, value=f"value of {app}").value
    for column in ("created_at", "checked_at"):
        world.age("domain_claims", column, timedelta(hours=1))
    return value


def hosts(world: World) -> list[str]:
    return [host for (host,) in world.database.run("select host from custom_domains order by host")]


def test_a_proved_domain_is_added_once(
    world: World, zone: Zone, claims: PostgresDomainClaims, step: ProvenDomains
) -> None:
    value = claim(world, claims)
    tick(step)
    assert (hosts(world), [one.reason for one in claims.of_app("hello")]) == (
        [],
        [f"there is no TXT record _slipway-challenge.{HOST} yet"],
    )

    zone.records[f"_slipway-challenge.{HOST}"] = (value,)
    claim(world, claims)
    tick(step)
    tick(step)
    assert (hosts(world), claims.of_app("hello")) == ([HOST], ())
    added = world.database.run("select body from events where type = :type", type=DomainAdded.type)
    assert len(added) == 1


def test_a_claim_is_not_checked_at_each_tick(
    world: World, zone: Zone, claims: PostgresDomainClaims, step: ProvenDomains
) -> None:
    claim(world, claims)
    tick(step)
    tick(step)
    assert len(zone.asked) == 1


def test_a_domain_of_another_app_is_not_taken_over(
    world: World, zone: Zone, claims: PostgresDomainClaims, step: ProvenDomains
) -> None:
    world.app("other")
    PostgresDomains(database=world.database).add("other", HOST)
    zone.records[f"_slipway-challenge.{HOST}"] = (claim(world, claims),)
    tick(step)
    assert world.database.run("select app from custom_domains") == [["other"]]
    assert "another app has the domain" in claims.of_app("hello")[0].reason


def test_a_name_that_cannot_be_asked_does_not_hold_up_the_others(
    world: World, zone: Zone, claims: PostgresDomainClaims, step: ProvenDomains
) -> None:
    zone.broken.add("_slipway-challenge.a.example.net")
    claim(world, claims, host="a.example.net")
    zone.records[f"_slipway-challenge.{HOST}"] = (claim(world, claims),)
    tick(step)
    assert hosts(world) == [HOST]


def test_claims_that_nobody_proves_are_forgotten(
    world: World, claims: PostgresDomainClaims, step: ProvenDomains
) -> None:
    claim(world, claims)
    world.age("domain_claims", "created_at", timedelta(days=31))
    tick(step)
    assert claims.of_app("hello") == ()
