"""upsert-dns: records follow what is wanted, whatever order the events come in."""

import pytest

from functions.common.adapters.postgres.network import PostgresDnsRecordLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.network import DnsReady, DnsRefused
from functions.upsert_dns.handler import Records, handle, handle_deleted
from tests.world import DOMAIN, World, caused_by

HOST = f"hello.{DOMAIN}"
TOPIC = f"topic--hello.{DOMAIN}"
WWW = "www.example.org"


@pytest.fixture
def records(world: World) -> Records:
    return Records(
        zone=world.zone,
        hosts=PostgresHostDirectory(database=world.database, domain=DOMAIN),
        ledger=PostgresDnsRecordLedger(database=world.database),
    )


def known(world: World) -> list[list[str]]:
    return world.database.run("select host, app, state from dns_records order by host")


def owned(world: World) -> list[str]:
    return [record.host for record in world.zone.owned()]


CREATED = AppCreated(app="hello", environment="production", host=HOST)
OPENED = PreviewOpened(app="hello", environment="topic", branch="topic", host=TOPIC)
CLOSED = PreviewClosed(app="hello", environment="topic", branch="topic", host=TOPIC, reason="merged")


def test_a_record_is_made_once(world: World, records: Records) -> None:
    first, second = handle(CREATED, records=records), handle(CREATED, records=records)
    assert first == DnsReady(app="hello", environment="production", host=HOST, action="created")
    assert second == DnsReady(app="hello", environment="production", host=HOST, action="unchanged")
    assert known(world) == [[HOST, "hello", "ready"]]


def test_nothing_is_written_when_nothing_changed(world: World, records: Records) -> None:
    handle(CREATED, records=records)
    sql = "select xmin::text from dns_records union all select xmin::text from platform.dns_records"
    before = world.database.run(sql)
    handle(CREATED, records=records)
    assert world.database.run(sql) == before


def test_the_record_of_a_preview_is_created_and_deleted(world: World, records: Records) -> None:
    world.environment("topic", "topic")
    handle(OPENED, records=records)
    assert owned(world) == [TOPIC]
    world.database.run("update environments set state = 'closed' where name = 'topic'")
    assert handle(CLOSED, records=records) == DnsReady(app="hello", environment="topic", host=TOPIC, action="deleted")
    assert (owned(world), known(world)) == ([], [[TOPIC, "hello", "deleted"]])


def test_a_late_event_does_not_undo_a_newer_one(world: World, records: Records) -> None:
    world.environment("topic", "topic")
    handle(CLOSED, records=records)
    assert owned(world) == [TOPIC]
    world.database.run("update environments set state = 'closed' where name = 'topic'")
    handle(OPENED, records=records)
    assert owned(world) == []


def test_the_record_of_a_custom_domain_is_created_and_deleted(world: World, records: Records) -> None:
    world.database.run("insert into custom_domains (host, app) values (:host, 'hello')", host=WWW)
    added = handle(DomainAdded(app="hello", environment="production", host=WWW), records=records)
    assert isinstance(added, DnsReady)
    world.database.run("delete from custom_domains")
    removed = handle(DomainRemoved(app="hello", environment="production", host=WWW), records=records)
    assert removed == DnsReady(app="hello", environment="production", host=WWW, action="deleted")


def test_a_deleted_apps_records_are_deleted_except_foreign_ones(world: World, records: Records) -> None:
    world.environment("topic", "topic")
    handle(CREATED, records=records)
    handle(OPENED, records=records)
    world.database.run(
        "insert into platform.dns_records (host, type, content) values (:host, 'A', '192.0.2.1')", host=WWW
    )
    world.database.run("delete from projects")
    with caused_by("delete"):
        last = handle_deleted(
            AppDeleted(app="hello", hosts=(HOST, WWW, TOPIC), environments=("production", "topic")),
            records=records,
            sink=world.sink,
        )
    assert owned(world) == []
    assert [event.host for event in world.sink.of(DnsReady)] == [HOST]
    assert [event.host for event in world.sink.of(DnsRefused)] == [WWW]
    assert isinstance(last, DnsReady)
    assert last.host == TOPIC
