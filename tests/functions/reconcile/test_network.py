"""Hosts get the records and certificates they lack; those of hosts without an app are withdrawn."""

from datetime import timedelta

from functions.common.events.app import AppCreated, DomainAdded, DomainRemoved, PreviewOpened
from functions.common.events.network import CertificateChanged
from tests.functions.reconcile.ticker import Ticker
from tests.world import DOMAIN, World

HOST = f"hello.{DOMAIN}"
HOUR = timedelta(hours=1)


def ready(world: World, table: str, host: str = HOST) -> None:
    sql = f"insert into {table} (host, app, state, moved_at) values (:host, 'hello', 'ready', now() - interval '1 h')"  # noqa: S608 - a test's own words
    world.database.run(sql, host=host)


def test_the_event_of_a_host_that_lacks_something_is_sent_again(world: World, ticker: Ticker) -> None:
    created = world.record(AppCreated(app="hello", environment="production", host=HOST))
    assert [sent.id for sent in ticker.tick("network")] == [created.id]


def test_hosts_without_an_event_get_one(world: World, ticker: Ticker) -> None:
    world.environment("topic", "topic")
    world.database.run("insert into custom_domains (host, app) values ('www.example.org', 'hello')")
    ticker.tick("network")
    assert [event.host for event in world.sink.of(AppCreated)] == [HOST]
    assert [event.host for event in world.sink.of(PreviewOpened)] == [f"topic--hello.{DOMAIN}"]
    assert [event.host for event in world.sink.of(DomainAdded)] == ["www.example.org"]


def test_a_recent_host_is_left_alone(world: World, ticker: Ticker) -> None:
    world.database.run("update environments set opened_at = now()")
    assert ticker.tick("network") == []


def test_reminders_become_rarer(world: World, ticker: Ticker) -> None:
    assert len(ticker.tick("network")) == 1
    assert ticker.tick("network") == []
    world.age("host_reminders", "asked_at", timedelta(seconds=61))
    assert len(ticker.tick("network")) == 1
    world.age("host_reminders", "asked_at", timedelta(seconds=61))
    assert ticker.tick("network") == []


def test_an_issued_certificate_whose_event_was_lost_is_reported(world: World, ticker: Ticker) -> None:
    ready(world, "dns_records")
    world.certificates.ensure(HOST, owner="hello")
    not_after = (world.clock.now() + HOUR).isoformat()
    world.database.run("update platform.certificates set not_after = :not_after", not_after=not_after)
    assert len(ticker.tick("network")) == 1
    (changed,) = world.sink.of(CertificateChanged)
    assert (changed.host, changed.ready, changed.not_after) == (HOST, True, not_after)


def test_hosts_without_an_app_are_withdrawn(world: World, ticker: Ticker) -> None:
    ready(world, "dns_records", "old.example.org")
    ready(world, "certificates", "older.example.org")
    ready(world, "dns_records")
    ready(world, "certificates")
    ticker.tick("network")
    assert [event.host for event in world.sink.of(DomainRemoved)] == ["old.example.org", "older.example.org"]
