"""Invariant 10, owned: only DNS records that carry our mark are changed or deleted; a foreign one is refused."""

import pytest

from functions.common.adapters.postgres.network import PostgresDnsRecordLedger, PostgresHostDirectory
from functions.common.events.app import AppCreated, AppDeleted, DomainAdded, DomainRemoved, PreviewClosed, PreviewOpened
from functions.common.events.network import DnsReady, DnsRefused
from functions.upsert_dns.handler import OneHost, Records, handle, handle_deleted
from tests.world import DOMAIN, World, caused_by

HOST = f"hello.{DOMAIN}"
FOREIGN = [HOST, "TXT", "of another owner", ""]
WANTING: list[OneHost] = [
    AppCreated(app="hello", environment="production", host=HOST),
    DomainAdded(app="hello", environment="production", host=HOST),
    PreviewOpened(app="hello", environment="topic", branch="topic", host=HOST),
]
UNWANTING: list[OneHost] = [
    DomainRemoved(app="hello", environment="production", host=HOST),
    PreviewClosed(app="hello", environment="topic", branch="topic", host=HOST, reason="merged"),
]
NAMED = "event", [*WANTING, *UNWANTING]


@pytest.fixture
def records(world: World) -> Records:
    return Records(
        zone=world.zone,
        hosts=PostgresHostDirectory(database=world.database, domain=DOMAIN),
        ledger=PostgresDnsRecordLedger(database=world.database),
    )


def put_foreign(world: World) -> None:
    sql = "insert into platform.dns_records (host, type, content, owner) values (:host, :type, :content, :owner)"
    world.database.run(sql, **dict(zip(("host", "type", "content", "owner"), FOREIGN, strict=True)))


def zone(world: World) -> list[list[str]]:
    return world.database.run("select host, type, content, owner from platform.dns_records")


@pytest.mark.parametrize(*NAMED, ids=lambda event: type(event).__name__)
def test_invariant_10_a_foreign_record_is_refused_reported_and_unchanged(
    world: World, records: Records, event: OneHost
) -> None:
    put_foreign(world)
    if event in UNWANTING:
        world.database.run("update environments set state = 'closed'")
    answer = handle(event, records=records)
    assert isinstance(answer, DnsRefused)
    assert HOST in answer.reason
    assert zone(world) == [FOREIGN]


def test_invariant_10_a_deleted_app_leaves_foreign_records(world: World, records: Records) -> None:
    put_foreign(world)
    world.database.run("delete from projects")
    event = AppDeleted(app="hello", hosts=(HOST,), environments=("production",))
    with caused_by("delete"):
        answer = handle_deleted(event, records=records, sink=world.sink)
    assert isinstance(answer, DnsRefused)
    assert zone(world) == [FOREIGN]


def test_invariant_10_a_refused_record_is_created_after_the_foreign_one_is_deleted(
    world: World, records: Records
) -> None:
    put_foreign(world)
    handle(WANTING[0], records=records)
    (kept,) = world.database.run("select state, reason from dns_records")
    assert kept[0] == "refused"
    assert "delete it, or choose another host" in kept[1]
    world.database.run("delete from platform.dns_records")
    assert isinstance(handle(WANTING[0], records=records), DnsReady)
    assert world.database.run("select state, reason from dns_records") == [["ready", ""]]


def test_invariant_10_our_own_record_is_changed(world: World, records: Records) -> None:
    world.database.run(
        "insert into platform.dns_records (host, type, content, owner) values (:host, 'A', '192.0.2.1', 'hello')",
        host=HOST,
    )
    answer = handle(WANTING[0], records=records)
    assert answer == DnsReady(app="hello", environment="production", host=HOST, action="updated")
